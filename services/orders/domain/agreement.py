"""Agreements, and the copies of their sites and containers."""

import datetime as dt
import uuid

import msgspec

from services.contracts.sites import Fraction
from services.orders.domain.cadence import Cadence


class SiteCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of a site. Version 0 is a placeholder: a container refers to a site that was not stated yet."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    site_number: str | None = None
    municipality: str = ""
    area: str = ""
    property_type: str = ""
    version: int = 0


class ContainerCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of a container."""

    id: uuid.UUID
    container_number: str
    site_id: uuid.UUID
    organisation_id: uuid.UUID
    fraction: Fraction
    litres: int
    count: int
    version: int


class AgreementFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of an agreement in the ERP: the regular emptying of a container."""

    agreement_number: str
    site_id: uuid.UUID
    container_id: uuid.UUID
    article_id: uuid.UUID
    route_number: str
    fraction: Fraction
    litres: int
    count: int
    interval_weeks: int
    ordered_on: dt.date
    first_pickup: dt.date
    ended_on: dt.date | None

    @property
    def cadence(self) -> Cadence:
        return Cadence(
            first_pickup=self.first_pickup,
            interval_weeks=self.interval_weeks,
            ordered_on=self.ordered_on,
            ended_on=self.ended_on,
        )

    def runs_on(self, day: dt.date) -> bool:
        """Return whether the agreement is in force on ``day``."""
        return self.ordered_on <= day and (self.ended_on is None or day <= self.ended_on)


class AgreementRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An agreement as it is stored, with the present facts of its site."""

    id: uuid.UUID
    version: int
    organisation_id: uuid.UUID
    """The site's."""
    municipality: str
    """The site's."""
    site_is_placeholder: bool = False
    """Whether sites did not state the site yet, or deleted it."""
    facts: AgreementFacts
