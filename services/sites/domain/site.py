"""Sites and their containers: the facts from the ERP, and their records."""

import uuid

import msgspec

from services.contracts.sites import Fraction, PropertyType


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a site."""

    site_number: str
    organisation_id: uuid.UUID
    street: str
    postal_code: str
    city: str
    municipality: str
    """The municipality whose rules apply."""
    area: str
    """The area of the routes."""
    property_type: PropertyType
    dwellings: int
    billed_to: str
    contact_name: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None


class ContainerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of a container."""

    container_number: str
    site_id: uuid.UUID
    fraction: Fraction
    litres: int
    """The volume of one bin."""
    count: int
    """The number of bins."""


class SiteRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a site."""

    id: uuid.UUID
    version: int
    """Rises with every change."""
    facts: SiteFacts


class ContainerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a container."""

    id: uuid.UUID
    version: int
    organisation_id: uuid.UUID
    """The organisation of its site."""
    facts: ContainerFacts
