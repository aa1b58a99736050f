"""Contract of sites: sites, their containers and contact persons (L1 to L9)."""

import enum
from typing import Protocol

from msgspec import UNSET, UnsetType

from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event, declare_event, read
from services.contracts.imports import ImportFinished, Importing
from services.contracts.permission import PEOPLE, allow
from services.contracts.ticket_requests import TicketRequested, TicketRequestWithdrawn
from services.contracts.values import (
    Connection,
    ContainerId,
    FieldName,
    Filter,
    Id,
    OrganisationId,
    Page,
    SearchText,
    SiteId,
    SortDirection,
    Sorting,
    Value,
)


class Fraction(enum.Enum):
    """A waste fraction, as customers sort it."""

    RESIDUAL = "RESIDUAL"
    """Mixed waste that is left after sorting."""
    BIOWASTE = "BIOWASTE"
    """Food and kitchen waste."""
    CARDBOARD = "CARDBOARD"
    """Cardboard and cartons."""
    PAPER = "PAPER"
    """Paper."""
    PLASTIC = "PLASTIC"
    """Plastic packaging."""
    GLASS = "GLASS"
    """Glass packaging."""
    METAL = "METAL"
    """Small metal."""
    WOOD = "WOOD"
    """Wood."""
    ELECTRICAL = "ELECTRICAL"
    """Electrical and electronic equipment."""
    HAZARDOUS = "HAZARDOUS"
    """Hazardous waste."""
    CONSTRUCTION = "CONSTRUCTION"
    """Construction and demolition waste."""
    BULKY = "BULKY"
    """Bulky waste, such as furniture."""


class PropertyType(enum.Enum):
    """The type of a site's property, on which collection rules depend."""

    HOUSE = "HOUSE"
    """A house in which people live all year."""
    LEISURE = "LEISURE"
    """A leisure home."""
    HOUSING_COMPANY = "HOUSING_COMPANY"
    """The buildings of a housing company."""
    BUSINESS = "BUSINESS"
    """The premises of a business."""


class SiteOrderField(enum.Enum):
    """The fields that sites can be ordered by."""

    ADDRESS = "ADDRESS"
    """By street address."""
    CITY = "CITY"
    """By city."""
    SITE_NUMBER = "SITE_NUMBER"
    """By site number."""


class SiteOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of sites."""

    field: SiteOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class SiteFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of sites."""

    search: SearchText | None = None
    """Words of the street, house number, postal code, city, site number, customer number, payer's name and contact
    person's name, in any order, case and with or without accents; each has to be found. A number, or a word of one or
    two letters, is found at the beginning of a word, any other anywhere in one. At most 20 words; None: all sites."""
    organisation_ids: list[OrganisationId] | None = None
    """Sites of one of these organisations; None: of all."""
    property_types: list[PropertyType] | None = None
    """Sites with one of these types of property; None: with any."""


class Address(Value, frozen=True, kw_only=True):
    """A postal address."""

    street: str
    """Street and house number."""
    postal_code: str
    """The postal code."""
    city: str
    """The city."""


class Person(Value, frozen=True, kw_only=True):
    """A contact person."""

    name: str
    """The person's name."""
    phone: str | None
    """The telephone number as the operator's ERP has it, in any notation; None if unknown."""
    email: str | None
    """The e-mail address as the operator's ERP has it, unverified; None if unknown."""


class SiteContact(Value, frozen=True, kw_only=True):
    """The contact person of a site. Only services get it, at the moment of use."""

    site_id: Id
    address: Address
    contact_person: Person | None
    """None if there is none."""


class Container(Value, frozen=True, kw_only=True):
    """The bins of one fraction and size on a site."""

    id: Id
    """The global id."""
    container_number: str
    """The number in the operator's ERP."""
    site_id: Id
    """The id of the site on which it stands."""
    fraction: Fraction
    """The fraction that it is for."""
    litres: int
    """The volume of one bin, in litres."""
    count: int
    """The number of bins."""
    version: int
    """The number of its current version; it rises with every change."""


class Site(Value, frozen=True, kw_only=True):
    """A place where waste is collected."""

    id: Id
    """The global id."""
    organisation_id: Id
    """The id of the customer organisation."""
    site_number: str
    """The number in the operator's ERP."""
    address: Address
    """The address."""
    municipality: str
    """The municipality, whose collection rules apply."""
    area: str
    """The collection area that its routes belong to."""
    property_type: PropertyType
    """The type of the property."""
    dwellings: int
    """The number of homes."""
    billed_to: str
    """The name of the payer."""
    contact_person: Person | None
    """The contact person; None if there is none."""
    version: int
    """The number of its current version; it rises with every change."""
    containers: list[Container] | UnsetType = UNSET
    """The containers of the site, by container number."""  # left out unless requested


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


@declare_event("sites.import.finished", subject="import_id")
class SitesImportFinished(ImportFinished, frozen=True, kw_only=True):
    """An import of sites has reached its final state."""


@declare_event("sites.ticket.requested", subject="subject_id", site="site_id")
class SitesTicketRequested(TicketRequested, frozen=True, kw_only=True):
    """Sites asks for a ticket."""


@declare_event("sites.ticket.withdrawn", subject="subject_id")
class SitesTicketRequestWithdrawn(TicketRequestWithdrawn, frozen=True, kw_only=True):
    """Sites does not need a ticket any more."""


@declare_event("sites.audit.recorded", subject="subject_id")
class SitesAuditRecorded(AuditRecorded, frozen=True, kw_only=True):
    """An entry was added to sites' audit log."""


class Sites(Importing, Protocol):
    """Operations of sites."""

    @read(PEOPLE)
    async def sites(
        self,
        page: Page,
        filter: SiteFilter | None = None,
        order: SiteOrder | None = None,
        fields: list[FieldName] | None = None,
        organisation_id: OrganisationId | None = None,
    ) -> Connection[Site]:
        """Return the sites that the caller may see, by address without an ``order``.

        ``fields`` are the GraphQL names of the requested fields; None: all. ``organisation_id``: sites of this
        organisation alone, beside the filter; None: of all.
        """
        ...

    @read(PEOPLE)
    async def sites_by_id(self, ids: list[SiteId], fields: list[FieldName] | None = None) -> list[Site | None]:
        """Return the sites with these ids, in this order; None for one that the caller may not see."""
        ...

    @read(allow(services=("support",)))
    async def site_contacts(self, site_ids: list[Id]) -> list[SiteContact | None]:
        """Return the contacts of these sites, in this order; None for a site that does not exist."""
        ...

    @read(PEOPLE)
    async def containers_by_id(self, ids: list[ContainerId]) -> list[Container | None]:
        """Return the containers with these ids, in this order; None for one that the caller may not see."""
        ...
