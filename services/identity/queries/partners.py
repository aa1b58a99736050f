"""Lists and look-ups of partners, for staff."""

import uuid
from collections.abc import Sequence

import msgspec

from services.chassis.db.keyset_query import SortOrder, fetch_page
from services.chassis.db.paging import KeysetPage
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.db.query import SqlQuery
from services.chassis.db.search_words import search_words
from services.chassis.db.updates import ListedRows
from services.chassis.ids import find_id
from services.contracts.identity.partners import Partner, PartnerFilter, PartnerOrder, PartnerOrderField
from services.contracts.values import Connection as RelayConnection
from services.contracts.values import Id, Page, SortDirection
from services.identity.mapping.responses import partner_response
from services.identity.store.partners import PostgresPartnerRepository, to_partner

_COLUMNS = "p.id, p.name, p.scopes, p.organisation_ids, p.all_organisations, p.active, p.version"
_LISTED = ListedRows(list="partners", prefix="partner", rows="partners p", id="p.id", marks=("p.changed_in",))
_BY_NAME = PartnerOrder(field=PartnerOrderField.NAME)


async def partners(
    connection: DatabaseConnection, page: Page, filter: PartnerFilter | None, order: PartnerOrder | None
) -> RelayConnection[Partner]:
    """Return a page of the partners."""
    asked, order = filter or PartnerFilter(), order or _BY_NAME
    words = search_words(asked.search or "", "filter", "search")
    conditions = msgspec.structs.replace(asked, search=None)
    part: KeysetPage[Partner] = KeysetPage(page, (str, uuid.UUID), "partners", order, conditions, words)
    query = SqlQuery()
    for word in words:  # there are few partners: no index serves the search
        query.where("strpos(chassis.searched_text(p.name), {}) > 0", word)
    if asked.active is not None:
        query.where("p.active = {}", asked.active)
    rows, total, updates = await fetch_page(
        connection,
        "partners p",
        f"{_COLUMNS}, p.sort_name",
        query,
        part,
        SortOrder(("p.sort_name", "p.id"), descending=order.direction is SortDirection.DESC),
        _LISTED,
    )
    nodes = [([row["sort_name"], row["id"]], partner_response(to_partner(row))) for row in rows]
    return part.connection(nodes, total, updates)


async def partners_by_id(connection: DatabaseConnection, ids: Sequence[Id]) -> list[Partner | None]:
    """Return the partners with these ids, in their order; None for one that does not exist."""
    requested_ids = [find_id("partner", text) for text in ids]
    records = await PostgresPartnerRepository(connection).by_ids([one for one in requested_ids if one])
    found = {record.id: partner_response(record) for record in records}
    return [found.get(requested) if requested else None for requested in requested_ids]
