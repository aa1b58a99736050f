"""Contract of sites: sites, their containers and contact persons (L1 to L9)."""

import enum
from typing import Protocol

from msgspec import UNSET, UnsetType

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import Importing
from services.contracts.permission import PEOPLE
from services.contracts.values import Connection, FieldName, Id, OrganisationId, Page, SearchText, SiteId, Value


class Fraction(enum.Enum):
    """A waste fraction, as customers sort it."""

    RESIDUAL = "RESIDUAL"
    BIOWASTE = "BIOWASTE"
    CARDBOARD = "CARDBOARD"
    PAPER = "PAPER"
    PLASTIC = "PLASTIC"
    GLASS = "GLASS"
    METAL = "METAL"
    WOOD = "WOOD"
    ELECTRICAL = "ELECTRICAL"
    HAZARDOUS = "HAZARDOUS"
    CONSTRUCTION = "CONSTRUCTION"
    BULKY = "BULKY"


class PropertyType(enum.Enum):
    """The type of a site's property, on which collection rules depend."""

    HOUSE = "HOUSE"
    LEISURE = "LEISURE"
    HOUSING_COMPANY = "HOUSING_COMPANY"
    BUSINESS = "BUSINESS"


class SiteOrder(enum.Enum):
    """The order of a list of sites."""

    ADDRESS = "ADDRESS"
    CITY = "CITY"
    SITE_NUMBER = "SITE_NUMBER"


class Address(Value, frozen=True, kw_only=True):
    """A postal address."""

    street: str
    postal_code: str
    city: str


class Person(Value, frozen=True, kw_only=True):
    """A contact person. ``phone`` and ``email`` are None if unknown."""

    name: str
    phone: str | None
    email: str | None


class Container(Value, frozen=True, kw_only=True):
    """The bins of one fraction and size on a site. ``litres`` is the volume of one bin, ``count`` their number."""

    id: Id
    container_number: str
    fraction: Fraction
    litres: int
    count: int
    version: int


class Site(Value, frozen=True, kw_only=True):
    """A place where waste is collected. ``area`` is the collection area that its routes belong to.
    ``dwellings`` is the number of homes. ``billed_to`` is the name of the payer. ``contact_person`` is None if there
    is none.
    """

    id: Id
    organisation_id: Id
    site_number: str
    address: Address
    municipality: str
    area: str
    property_type: PropertyType
    dwellings: int
    billed_to: str
    contact_person: Person | None
    version: int
    containers: list[Container] | UnsetType = UNSET
    """Left out unless requested."""


@declare_event("sites.site.stated", subject="site_id")
class SiteStated(Event, frozen=True, kw_only=True):
    """The current state of a site that was added or changed."""

    site_id: Id
    organisation_id: Id
    site_number: str
    municipality: str
    area: str
    property_type: PropertyType
    dwellings: int
    version: int


@declare_event("sites.container.stated", subject="container_id")
class ContainerStated(Event, frozen=True, kw_only=True):
    """The current state of a container that was added or changed."""

    container_id: Id
    container_number: str
    site_id: Id
    organisation_id: Id
    fraction: Fraction
    litres: int
    count: int
    version: int


@declare_event("sites.audit.recorded", subject="subject_id")
class SitesAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to sites' audit log."""


class Sites(Importing, Protocol):
    """Operations of sites."""

    @read(PEOPLE)
    async def sites(
        self,
        page: Page,
        search: SearchText | None = None,
        order: SiteOrder = SiteOrder.ADDRESS,
        organisation_id: OrganisationId | None = None,
        fields: list[FieldName] | None = None,
    ) -> Connection[Site]:
        """Return the sites that the caller may see.

        ``search`` matches parts of street, city, postal code and site number, case-insensitively. ``fields`` are the
        GraphQL names of the requested fields; None: all.
        """
        ...

    @read(PEOPLE)
    async def sites_by_id(self, ids: list[SiteId], fields: list[FieldName] | None = None) -> list[Site | None]:
        """Return the sites with these ids, in this order; None for one that the caller may not see."""
        ...
