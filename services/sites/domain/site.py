"""A site and its containers as the ERP states them, and what counts as a change."""

import uuid

import msgspec

from services.contracts.sites import Fraction, PropertyType


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a site. ``area`` is the routes' area, ``municipality`` the one whose rules hold."""

    site_number: str
    organisation_id: uuid.UUID
    street: str
    postal_code: str
    city: str
    municipality: str
    area: str
    property_type: PropertyType
    dwellings: int
    billed_to: str
    contact_name: str | None = None
    contact_phone: str | None = None
    contact_email: str | None = None


class ContainerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a container: ``count`` bins of ``litres`` each."""

    container_number: str
    site_id: uuid.UUID
    fraction: Fraction
    litres: int
    count: int


class SiteRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A site as it is kept. ``version`` rises with every change."""

    id: uuid.UUID
    version: int
    facts: SiteFacts


class ContainerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A container as it is kept. ``organisation_id`` is its site's."""

    id: uuid.UUID
    version: int
    organisation_id: uuid.UUID
    facts: ContainerFacts
