"""Lists and look-ups of sites, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached, id_restrictions
from services.access.reach import ScopedTable
from services.access.search import search_condition
from services.access.updates import Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.lookup import fetch_by_ids
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
from services.chassis.db.updates import ListedTable
from services.chassis.ids import find_id, write_id
from services.contracts.sites import (
    Address,
    Container,
    Fraction,
    Person,
    PropertyType,
    Site,
    SiteContact,
    SiteFilter,
    SiteOrder,
    SiteOrderField,
)
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection

_COLUMNS = """
    s.id, s.organisation_id, s.site_number, s.street, s.postal_code, s.city, s.municipality, s.area, s.property_type,
    s.dwellings, s.billed_to, s.contact_name, s.contact_phone, s.contact_email, s.version
"""
_VISIBLE = visible("s.organisation_id", "s.id")
_TABLE = ScopedTable(name="sites s", organisation="s.organisation_id", site="s.id")
_LISTED = ListedTable(list="sites", prefix="site")
_SORT_COLUMNS = {
    SiteOrderField.ADDRESS: "s.sort_address",
    SiteOrderField.CITY: "s.sort_city",
    SiteOrderField.SITE_NUMBER: "s.site_number",
}
_BY_ADDRESS = SiteOrder(field=SiteOrderField.ADDRESS)
_CONTACTS = """
    SELECT s.id, s.street, s.postal_code, s.city, s.contact_name, s.contact_phone, s.contact_email
    FROM sites s WHERE s.id = ANY ($1)
"""
_BY_ID = f"SELECT {_COLUMNS} FROM sites s WHERE {_VISIBLE} AND s.id = ANY ($3)"
_SELECT_CONTAINERS = """
    SELECT c.id, c.site_id, c.container_number, c.fraction, c.litres, c.count, c.version FROM containers c
"""
_CONTAINERS = f"{_SELECT_CONTAINERS} WHERE c.site_id = ANY ($1) ORDER BY c.site_id, c.container_number"
_CONTAINERS_BY_ID = f"""
    {_SELECT_CONTAINERS} JOIN sites s ON s.id = c.site_id WHERE c.id = ANY ($3) AND {_VISIBLE}
"""


async def sites(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    page: Page,
    filter: SiteFilter | None,
    order: SiteOrder | None,
    fields: Collection[str] | None,
    organisation_id: Id | None,
) -> RelayConnection[Site]:
    """Return a page of the sites that the caller reaches, of all organisations or of one."""
    asked, order = filter or SiteFilter(), order or _BY_ADDRESS
    words = search_words(asked.search or "", "filter", "search")
    conditions = msgspec.structs.replace(asked, search=None)
    part: KeysetPage[Site] = KeysetPage(page, (str, uuid.UUID), "sites", order, conditions, words, organisation_id)
    query = SqlQuery(caller.subject_id, day)
    if asked.property_types is not None:
        query.where("s.property_type = ANY ({})", [one.value for one in asked.property_types])
    key = _SORT_COLUMNS[order.field]
    rows, total, updates = await fetch_reached(
        connection,
        _TABLE,
        f"{_COLUMNS}, {key} AS sort_key",
        query,
        part,
        SortOrder((key, "s.id"), descending=order.direction is SortDirection.DESC),
        reader=Reader(caller, day, _LISTED),
        restrictions=id_restrictions(
            ("s.organisation_id", "org", None if organisation_id is None else [organisation_id]),
            ("s.organisation_id", "org", asked.organisation_ids),
        ),
        search=search_condition(query, "s", words),
    )
    containers = await _fetch_containers(connection, [row["id"] for row in rows], fields)
    return part.connection([([row["sort_key"], row["id"]], _to_site(row, containers)) for row in rows], total, updates)


async def sites_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id], fields: Collection[str] | None
) -> list[Site | None]:
    """Return the sites with these ids, in their order; None for one out of the caller's reach."""
    requested_ids = [find_id("site", text) for text in ids]
    rows = await connection.fetch(_BY_ID, caller.subject_id, day, [site_id for site_id in requested_ids if site_id])
    containers = await _fetch_containers(connection, [row["id"] for row in rows], fields)
    found = {row["id"]: _to_site(row, containers) for row in rows}
    return [found.get(site_id) if site_id else None for site_id in requested_ids]


async def containers_by_id(
    connection: DatabaseConnection, caller: Caller, day: dt.date, ids: Sequence[Id]
) -> list[Container | None]:
    """Return the containers with these ids, in their order; None for one on a site out of the caller's reach."""
    return await fetch_by_ids(connection, _CONTAINERS_BY_ID, (caller.subject_id, day), "container", ids, _to_container)


async def _fetch_containers(
    connection: DatabaseConnection, site_ids: Sequence[uuid.UUID], fields: Collection[str] | None
) -> dict[uuid.UUID, list[Container]] | None:
    if fields is not None and "containers" not in fields:
        return None
    containers: dict[uuid.UUID, list[Container]] = {site_id: [] for site_id in site_ids}
    for row in await connection.fetch(_CONTAINERS, list(site_ids)):
        containers[row["site_id"]].append(_to_container(row))
    return containers


async def site_contacts(connection: DatabaseConnection, ids: Sequence[Id]) -> list[SiteContact | None]:
    """Return the contacts of the sites with these ids, in their order, whoever reaches them; None for an unknown id."""
    return await fetch_by_ids(connection, _CONTACTS, (), "site", ids, _to_contact)


def _to_contact(row: Row) -> SiteContact:
    return SiteContact(site_id=write_id("site", row["id"]), address=_to_address(row), contact_person=_to_person(row))


def _to_address(row: Row) -> Address:
    return Address(street=row["street"], postal_code=row["postal_code"], city=row["city"])


def _to_person(row: Row) -> Person | None:
    name = row["contact_name"]
    return Person(name=name, phone=row["contact_phone"], email=row["contact_email"]) if name else None


def _to_container(row: Row) -> Container:
    return Container(
        id=write_id("container", row["id"]),
        container_number=row["container_number"],
        site_id=write_id("site", row["site_id"]),
        fraction=Fraction(row["fraction"]),
        litres=row["litres"],
        count=row["count"],
        version=row["version"],
    )


def _to_site(row: Row, containers: dict[uuid.UUID, list[Container]] | None) -> Site:
    own: list[Container] | UnsetType = UNSET if containers is None else containers[row["id"]]
    return Site(
        id=write_id("site", row["id"]),
        organisation_id=write_id("org", row["organisation_id"]),
        site_number=row["site_number"],
        address=_to_address(row),
        municipality=row["municipality"],
        area=row["area"],
        property_type=PropertyType(row["property_type"]),
        dwellings=row["dwellings"],
        billed_to=row["billed_to"],
        contact_person=_to_person(row),
        version=row["version"],
        containers=own,
    )
