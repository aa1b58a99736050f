"""Changes of a list since an earlier look: none is missed, whatever commits in the meantime."""

import datetime as dt
import random
import uuid
from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.access.listing import fetch_reached
from services.access.reach import ScopedTable
from services.access.updates import Reader
from services.chassis.db import updates
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.paging import IntegerKey, KeysetPage
from services.chassis.db.query import SqlQuery
from services.chassis.db.updates import ListedTable
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.identity.events import Grant
from services.contracts.values import Connection, Filter, Page
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.list_follower import Follower, Write, follow
from tests.support.owner import execute_as_owner
from tests.support.polling import until
from tests.support.servers import RUNTIME
from tests.support.service_harness import ServiceHarness

DAY = dt.date(2026, 3, 4)
TABLE = ScopedTable(name="things t", organisation="t.organisation_id", site="t.site_id")
LISTED = ListedTable(list="things", prefix="thing")
BY_RANK = SortOrder(("t.rank", "t.id"))
ORGANISATIONS = [uuid.UUID(int=number) for number in (1, 2, 3)]
PLACES = [uuid.UUID(int=10 + number) for number in range(4)]

Harness = ServiceHarness[Any, Any]


class ThingFilter(Filter, frozen=True, kw_only=True):
    most: int | None = None


async def make_table(harness: Harness) -> None:
    await execute_as_owner(
        harness.pool,
        f"""
        CREATE TABLE things (
            id uuid PRIMARY KEY, organisation_id uuid NOT NULL, site_id uuid NOT NULL, rank integer NOT NULL,
            changed_in bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
        );
        CREATE TRIGGER mark_changed BEFORE UPDATE ON things FOR EACH ROW EXECUTE FUNCTION chassis.mark_changed();
        CREATE TRIGGER record_move AFTER UPDATE OF organisation_id ON things FOR EACH ROW
            WHEN (OLD.organisation_id <> NEW.organisation_id)
            EXECUTE FUNCTION chassis.record_removal('things', 'organisation_id', 'site_id');
        CREATE TRIGGER record_deletion AFTER DELETE ON things FOR EACH ROW
            EXECUTE FUNCTION chassis.record_removal('things', 'organisation_id', 'site_id');
        GRANT ALL ON things TO {RUNTIME}
        """,
    )


class ThingReader:
    """A caller's reads of the list of things."""

    def __init__(self, harness: Harness, caller: Caller, conditions: ThingFilter) -> None:
        self._harness = harness
        self._caller = caller
        self._conditions = conditions

    async def page(self, page: Page) -> Connection[tuple[str, int]]:
        part: KeysetPage[tuple[str, int]] = KeysetPage(page, (IntegerKey, uuid.UUID), "things", self._conditions)
        query = SqlQuery(self._caller.subject_id, DAY)
        if self._conditions.most is not None:
            query.where("t.rank <= {}", self._conditions.most)
        async with self._harness.pool.acquire() as connection:
            rows, total, found = await fetch_reached(
                connection,
                TABLE,
                "t.id, t.rank",
                query,
                part,
                BY_RANK,
                reader=Reader(self._caller, DAY, LISTED),
            )
        nodes = [([row["rank"], row["id"]], (write_id("thing", row["id"]), row["rank"])) for row in rows]
        return part.connection(nodes, total, found)

    def follower(self, *, backward: bool = False) -> Follower:
        return Follower(self.page, lambda node: node, backward=backward)


def writes(rng: random.Random) -> list[Write]:
    """Return the writes of things."""
    ids: list[uuid.UUID] = []

    async def insert(connection: Any, one: uuid.UUID) -> None:
        place = rng.choice(ORGANISATIONS), rng.choice(PLACES), rng.randrange(20)
        await connection.execute("INSERT INTO things VALUES ($1, $2, $3, $4)", one, *place)

    async def change(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("UPDATE things SET rank = $2 WHERE id = $1", one, rng.randrange(20))

    async def move(connection: Any, one: uuid.UUID) -> None:
        statement = "UPDATE things SET organisation_id = $2, site_id = $3 WHERE id = $1"
        await connection.execute(statement, one, rng.choice(ORGANISATIONS), rng.choice(PLACES))

    async def delete(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("DELETE FROM things WHERE id = $1", one)

    inserting = [Write(ids, insert, inserts=True)] * 2
    return [*inserting, Write(ids, change), Write(ids, change), Write(ids, move), Write(ids, delete)]


GRANTS = [
    [Grant(organisation_id=None)],
    [Grant(organisation_id=write_id("org", ORGANISATIONS[0]))],
    [
        Grant(organisation_id=write_id("org", ORGANISATIONS[0]), site_ids=[write_id("site", PLACES[0])]),
        Grant(organisation_id=write_id("org", ORGANISATIONS[1])),
    ],
]


@pytest.mark.parametrize("seed", range(6))
async def test_a_reader_that_follows_the_tokens_has_the_list(make_harness: MakeHarness[Any, Any], seed: int) -> None:
    harness, rng = await make_harness(SUPPORT), random.Random(seed)
    await make_table(harness)
    followers = [
        ThingReader(harness, await harness.caller(*grants), ThingFilter(most=most)).follower(backward=backward)
        for grants in GRANTS
        for most, backward in ((None, False), (10, True))
    ]
    await follow(harness.pool, rng, followers, writes(rng))
    assert {follower.read_anew for follower in followers} == {0}


async def test_nothing_has_changed(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SUPPORT)
    await make_table(harness)
    await harness.pool.execute("INSERT INTO things VALUES ($1, $2, $3, 1)", new_uuid(), ORGANISATIONS[0], PLACES[0])
    follower = ThingReader(harness, await harness.caller(*GRANTS[0]), ThingFilter())

    async def look() -> Connection[tuple[str, int]]:
        whole = await follower.page(Page())
        assert (len(whole.edges), whole.total_count) == (1, 1)
        return await follower.page(Page(updated_after=whole.page_info.updated_until))

    # The row comes again for as long as an older transaction is under way on the server, be it of another test.
    later = await until(look, lambda listed: not listed.edges)
    assert (later.total_count, later.removed) == (0, [])
    assert (await follower.page(Page(updates=False))).page_info.updated_until is None


async def refusal_of(follower: ThingReader, token: str) -> Exception:
    with pytest.raises((ReadAnew, MalformedInput)) as refused:
        await follower.page(Page(updated_after=token))
    if isinstance(refused.value, MalformedInput):
        assert refused.value.path == ["updatedAfter"]
    return refused.value


async def test_a_token_that_says_nothing_any_more_is_refused(
    make_harness: MakeHarness[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await make_harness(SUPPORT)
    await make_table(harness)
    caller = await harness.caller(*GRANTS[1])
    follower = ThingReader(harness, caller, ThingFilter())
    token = (await follower.page(Page())).page_info.updated_until
    assert token is not None
    for changed in (
        msgspec.structs.replace(caller, access_version=caller.access_version + 1),
        await harness.caller(*GRANTS[1]),
    ):
        assert isinstance(await refusal_of(ThingReader(harness, changed, ThingFilter()), token), ReadAnew)
    other_filter = ThingReader(harness, caller, ThingFilter(most=3))
    for text in (token, "", "no token", token + "A", token[:-2]):
        assert isinstance(await refusal_of(other_filter, text), MalformedInput)
    monkeypatch.setattr(updates, "MAX_AGE", dt.timedelta(seconds=-1))
    assert isinstance(await refusal_of(follower, token), ReadAnew)
    monkeypatch.undo()
    assert (await follower.page(Page(updated_after=token))).edges == []
    await execute_as_owner(harness.pool, "UPDATE chassis.leader SET generation = gen_random_uuid()")
    assert isinstance(await refusal_of(follower, token), ReadAnew)


async def test_too_much_that_has_left_is_read_anew(
    make_harness: MakeHarness[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await make_harness(SUPPORT)
    await make_table(harness)
    follower = ThingReader(harness, await harness.caller(*GRANTS[1]), ThingFilter())
    for _ in range(3):
        await harness.pool.execute("INSERT INTO things VALUES ($1, $2, $3, 1)", new_uuid(), ORGANISATIONS[0], PLACES[0])
    whole = await follower.page(Page())
    token = whole.page_info.updated_until
    assert token is not None
    await harness.pool.execute("DELETE FROM things")
    later = await follower.page(Page(updated_after=token))
    assert sorted(later.removed) == sorted(edge.node[0] for edge in whole.edges)
    assert all(find_id("thing", one) for one in later.removed)
    monkeypatch.setattr(updates, "MAX_REMOVED", 2)
    assert isinstance(await refusal_of(follower, token), ReadAnew)


@pytest.mark.parametrize(
    ("blueprint", "table", "moves"),
    [
        (IDENTITY, "organisations", False),
        (IDENTITY, "partners", False),
        (SITES, "sites", True),
        (SITES, "chassis.imports", False),
        (ORDERS, "orders", True),
        (ORDERS, "agreements", True),
        (SUPPORT, "tickets", True),
    ],
    ids=["organisations", "partners", "sites", "imports", "orders", "agreements", "tickets"],
)
async def test_each_listed_table_notes_its_changes(
    make_harness: MakeHarness[Any, Any], blueprint: Any, table: str, moves: bool
) -> None:
    harness = await make_harness(blueprint)
    rows = await harness.pool.fetch("SELECT tgname FROM pg_trigger WHERE tgrelid = $1::text::regclass", table)
    expected = {"mark_changed", "record_deletion"} | ({"record_move"} if moves else set())
    assert expected <= {row["tgname"] for row in rows}
