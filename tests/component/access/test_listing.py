"""Lists of the rows that a caller reaches, compared with a check of every row against every grant."""

import datetime as dt
import random
import uuid
from typing import Any

import pytest
from msgspec import UNSET

from services.access import reach
from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import fetch_reached
from services.access.reach import Restriction, ScopedTable, SearchCondition
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.paging import KeysetPage, TimestampKey
from services.chassis.db.query import SqlQuery
from services.chassis.ids import read_id, write_id
from services.contracts.identity.events import Grant
from services.contracts.permission import Role
from services.contracts.values import Page
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.owner import execute_as_owner
from tests.support.servers import RUNTIME
from tests.support.service_harness import ServiceHarness

TABLE = ScopedTable(name="things t", organisation="t.organisation_id", site="t.site_id")
IN_ORDER, REVERSED = SortOrder(("t.at", "t.id")), SortOrder(("t.at", "t.id"), descending=True)
DAY = dt.date(2026, 3, 4)
ORGANISATIONS = [uuid.UUID(int=number << 64 | 7 << 76 | 8 << 60) for number in range(1, 6)]
SITES = {
    organisation: [uuid.UUID(int=organisation.int + number + 1) for number in range(4)]
    for organisation in ORGANISATIONS
}
Row = tuple[uuid.UUID, uuid.UUID, uuid.UUID, dt.datetime]


def random_grants(rng: random.Random) -> list[Grant]:
    """Return random grants: of everything, of organisations, of some sites, overlapping, also ended ones."""
    grants = [Grant(organisation_id=None)] if rng.random() < 0.15 else []
    for organisation in rng.choices(ORGANISATIONS, k=rng.randint(0, 6)):
        some = [write_id("site", one) for one in rng.sample(SITES[organisation], rng.randint(0, 4))]
        until = rng.choice([None, None, DAY, DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)])
        site_ids = rng.choice([None, some, some])
        grants.append(
            Grant(organisation_id=write_id("org", organisation), role=Role.VIEWER, site_ids=site_ids, until=until)
        )
    return grants


def is_reached(grants: list[Grant], thing: Row) -> bool:
    """Return whether one of the grants covers a row."""
    _, organisation, site, _ = thing
    return any(
        (one.until is None or one.until >= DAY)
        and (one.organisation_id is None or read_id("org", one.organisation_id) == organisation)
        and (one.site_ids is None or write_id("site", site) in one.site_ids)
        for one in grants
    )


async def insert_rows(harness: ServiceHarness[Any, Any], rng: random.Random) -> list[Row]:
    columns = "id uuid PRIMARY KEY, organisation_id uuid, site_id uuid, at timestamptz"
    await execute_as_owner(harness.pool, f"CREATE TABLE things ({columns}); GRANT ALL ON things TO {RUNTIME}")
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    things = []
    for _ in range(200):
        organisation = rng.choice(ORGANISATIONS)
        # Several at the same moment; some at a site that changed its owner.
        site = rng.choice(SITES[rng.choice([organisation, organisation, rng.choice(ORGANISATIONS)])])
        at = start + dt.timedelta(hours=rng.randint(0, 60))
        things.append((uuid.UUID(int=rng.getrandbits(128)), organisation, site, at))
    await harness.pool.copy_records_to_table("things", records=things)
    return things


async def read_all_pages(
    harness: ServiceHarness[Any, Any],
    caller: Caller,
    first: int,
    descending: bool,
    searched: dt.date | None = None,
    backward: bool = False,
    **narrow: Any,
) -> list[Any]:
    """Return the rows of all pages of a list, and check that the total is the same on each."""
    found: list[Any] = []
    totals, after = set(), None
    while True:
        page = Page(last=first, before=after) if backward else Page(first=first, after=after)
        part: KeysetPage[uuid.UUID] = KeysetPage(page, (TimestampKey, uuid.UUID), "things", descending)
        query = SqlQuery(caller.subject_id, DAY)
        search = None
        if searched is not None:
            day, value = "(t.at AT TIME ZONE 'UTC')::date", query.value(searched)
            search = SearchCondition(
                column="t.at",
                index_condition=f"{day} = {value}",
                signature_condition=f"extract(isodow FROM {day}) = extract(isodow FROM {value}::date)",
                row_condition=f"{day} = {value}",
            )
        async with harness.pool.acquire() as connection:
            rows, total, _ = await fetch_reached(
                connection,
                TABLE,
                "t.id, t.at",
                query,
                part,
                REVERSED if descending else IN_ORDER,
                search=search,
                **narrow,
            )
        listing = part.connection([((row["at"], row["id"]), row["id"]) for row in rows], total)
        nodes, info = [edge.node for edge in listing.edges], listing.page_info
        found = [*nodes, *found] if backward else [*found, *nodes]
        totals.add(listing.total_count)
        after = info.start_cursor if backward else info.end_cursor
        if not (info.has_previous_page if backward else info.has_next_page):
            break
    assert totals == {len(found)}
    return found


@pytest.mark.parametrize("seed", range(8))
async def test_a_list_equals_a_check_of_every_row_against_every_grant(
    make_harness: MakeHarness[Any, Any], seed: int
) -> None:
    harness, rng = await make_harness(SUPPORT), random.Random(seed)
    things = await insert_rows(harness, rng)
    for _ in range(12):
        grants = random_grants(rng)
        caller = await harness.caller(*grants)
        for descending in (False, True):
            expected = sorted(
                (one for one in things if is_reached(grants, one)), key=lambda one: (one[3], one[0]), reverse=descending
            )
            first = rng.choice([3, 50, 200])
            organisations = sorted({rng.choice(ORGANISATIONS) for _ in range(rng.randint(1, 3))})
            sites = sorted({rng.choice(SITES[rng.choice(organisations)]) for _ in range(rng.randint(1, 3))})
            of_organisations = Restriction("t.organisation_id", organisations)
            of_sites = Restriction("t.site_id", sites)
            for restrictions in ([], [of_organisations], [of_sites], [of_sites, of_organisations]):
                wanted = [
                    one[0]
                    for one in expected
                    if (of_organisations not in restrictions or one[1] in organisations)
                    and (of_sites not in restrictions or one[2] in sites)
                ]
                for backward in (False, True):
                    found = await read_all_pages(
                        harness, caller, first, descending, backward=backward, restrictions=restrictions
                    )
                    assert found == wanted, (grants, restrictions, backward)
        by_ids = await harness.pool.fetch(
            f"SELECT id FROM things t WHERE {visible('t.organisation_id', 't.site_id')}", caller.subject_id, DAY
        )
        assert {row["id"] for row in by_ids} == {one[0] for one in things if is_reached(grants, one)}


@pytest.mark.parametrize(
    ("sample", "rows_per_match"),
    [
        (0, 8),  # no sample: by the search's index
        (100, 1_000),  # in the order
        (100, 0),  # too many rows before
    ],
)
@pytest.mark.parametrize("descending", [False, True])
async def test_a_search_returns_the_same_rows_by_either_index(
    make_harness: MakeHarness[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
    sample: int,
    rows_per_match: int,
    descending: bool,
) -> None:
    monkeypatch.setattr(reach, "_SAMPLE", f"SYSTEM ({sample})")
    monkeypatch.setattr(reach, "_MIN_SAMPLE_MATCHES", 1)
    monkeypatch.setattr(reach, "_ROWS_SCANNED_PER_INDEX_MATCH", rows_per_match)
    harness, rng = await make_harness(SUPPORT), random.Random(rows_per_match)
    things = await insert_rows(harness, rng)
    for grants in ([Grant(organisation_id=None)], random_grants(rng), random_grants(rng)):
        caller = await harness.caller(*grants)
        for day in (DAY, dt.date(2026, 1, 1), dt.date(2026, 1, 2)):  # without and with matches
            expected = sorted(
                (one for one in things if is_reached(grants, one) and one[3].date() == day),
                key=lambda one: (one[3], one[0]),
                reverse=descending,
            )
            for backward in (False, True):
                found = await read_all_pages(harness, caller, 7, descending, searched=day, backward=backward)
                assert found == [one[0] for one in expected]


async def test_the_total_is_counted_on_request_only(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SUPPORT)
    await insert_rows(harness, random.Random(1))
    caller = await harness.caller(Grant(organisation_id=None))
    part: KeysetPage[uuid.UUID] = KeysetPage(Page(first=3, total=False), (TimestampKey, uuid.UUID), "things")
    async with harness.pool.acquire() as connection:
        rows, total, _ = await fetch_reached(
            connection, TABLE, "t.id", SqlQuery(caller.subject_id, DAY), part, IN_ORDER
        )
    assert (len(rows), total) == (4, UNSET)
