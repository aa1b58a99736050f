"""Sites: the places that are served, their containers and people (L1 to L9)."""

import enum
from typing import Protocol

from msgspec import UNSET, UnsetType

from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import Importing
from services.contracts.values import Connection, FieldName, Id, Page, SearchText, Value


class Fraction(enum.Enum):
    """Kind of waste as people sort it."""

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
    """What stands on a site; the rules differ by it."""

    HOUSE = "HOUSE"
    LEISURE = "LEISURE"
    HOUSING_COMPANY = "HOUSING_COMPANY"
    BUSINESS = "BUSINESS"


class SiteOrder(enum.Enum):
    """How a list of sites is sorted."""

    ADDRESS = "ADDRESS"
    CITY = "CITY"
    SITE_NUMBER = "SITE_NUMBER"


class Address(Value, frozen=True, kw_only=True):
    """A postal address."""

    street: str
    postal_code: str
    city: str


class Person(Value, frozen=True, kw_only=True):
    """Someone to turn to."""

    name: str
    phone: str | None
    email: str | None


class Container(Value, frozen=True, kw_only=True):
    """Bins of one fraction and size on a site. ``litres`` is the size of one bin, ``count`` how many there are."""

    id: Id
    container_number: str
    fraction: Fraction
    litres: int
    count: int
    version: int


class Site(Value, frozen=True, kw_only=True):
    """A place that is served. ``area`` is the routes' area; ``containers`` is left out when it was not asked for."""

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


@declare_event("sites.site.stated", subject="site_id")
class SiteStated(Event, frozen=True, kw_only=True):
    """A site exists, or changed, and this is how it is now."""

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
    """A container exists, or changed, and this is how it is now."""

    container_id: Id
    container_number: str
    site_id: Id
    organisation_id: Id
    fraction: Fraction
    litres: int
    count: int
    version: int


class Sites(Importing, Protocol):
    """What sites offers."""

    @read
    async def sites(
        self,
        page: Page,
        search: SearchText | None = None,
        order: SiteOrder = SiteOrder.ADDRESS,
        organisation_id: Id | None = None,
        fields: list[FieldName] | None = None,
    ) -> Connection[Site]:
        """The caller's sites. ``search`` finds parts of street, city, postal code and site number in any case.

        ``fields`` names the wanted fields as the graph does; None is all.
        """
        ...

    @read
    async def sites_by_id(self, ids: list[Id], fields: list[FieldName] | None = None) -> list[Site | None]:
        """The sites with these ids, in their order; None for one that the caller may not see."""
        ...
