"""Changes of a list since an earlier look: none is missed, whatever commits in the meantime."""

import datetime as dt
import random
import uuid
from typing import Any

import asyncpg
import msgspec
import pytest

from services.access import updates
from services.access.caller import Caller
from services.access.listing import fetch_reached
from services.access.reach import ScopedTable
from services.access.updates import ListedTable, Reader
from services.chassis.db.keyset_query import SortOrder
from services.chassis.db.paging import IntegerKey, KeysetPage
from services.chassis.db.query import SqlQuery
from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.identity.events import Grant
from services.contracts.values import Connection, Filter, Page
from services.identity.app import IDENTITY
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.owner import execute_as_owner
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


class Follower:
    """A reader that keeps a list: it follows the tokens, page by page."""

    def __init__(self, harness: Harness, caller: Caller, conditions: ThingFilter, backward: bool = False) -> None:
        self._harness = harness
        self._caller = caller
        self._conditions = conditions
        self._backward = backward
        self.token: str | None = None
        self.known: dict[str, int] = {}

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

    async def begin(self, size: int) -> str | None:
        """Read the first page of a look; return the cursor of the next one."""
        first = Page(first=size) if not self._backward else Page(last=size)
        listed = await self.page(msgspec.structs.replace(first, updated_after=self.token))
        self._earlier, self.token = self.token, listed.page_info.updated_until
        assert self.token is not None
        for gone in listed.removed:
            self.known.pop(gone, None)
        return self._take(listed)

    async def go_on(self, size: int, cursor: str) -> str | None:
        """Read a further page of the look; return the cursor of the next one."""
        page = Page(last=size, before=cursor) if self._backward else Page(first=size, after=cursor)
        listed = await self.page(msgspec.structs.replace(page, updated_after=self._earlier))
        assert (listed.page_info.updated_until, listed.removed) == (None, [])
        return self._take(listed)

    def _take(self, listed: Connection[tuple[str, int]]) -> str | None:
        self.known.update(edge.node for edge in listed.edges)
        info = listed.page_info
        if self._backward:
            return info.start_cursor if info.has_previous_page else None
        return info.end_cursor if info.has_next_page else None


class Writers:
    """Transactions that change the table, several at a time."""

    def __init__(self, rng: random.Random, connections: "list[asyncpg.Connection[Any]]") -> None:
        self._rng = rng
        self._open: dict[int, Any] = {}
        self._connections = connections
        self._locked: dict[int, set[uuid.UUID]] = {}
        self.ids: list[uuid.UUID] = []

    async def step(self) -> None:
        number = self._rng.randrange(len(self._connections))
        connection = self._connections[number]
        if number not in self._open:
            self._open[number] = connection.transaction()
            await self._open[number].start()
            self._locked[number] = set()
        match self._rng.choice(["insert", "insert", "change", "change", "move", "delete", "end", "end"]):
            case "end":
                await self._end(number)
            case "insert":
                one = new_uuid()
                self._locked[number].add(one)
                self.ids.append(one)
                place = self._rng.choice(ORGANISATIONS), self._rng.choice(PLACES), self._rng.randrange(20)
                await connection.execute("INSERT INTO things VALUES ($1, $2, $3, $4)", one, *place)
            case change:
                locked = set().union(*(ids for other, ids in self._locked.items() if other != number))
                free = [one for one in self.ids if one not in locked]
                if not free:
                    return
                one = self._rng.choice(free)
                self._locked[number].add(one)
                if change == "change":
                    await connection.execute("UPDATE things SET rank = $2 WHERE id = $1", one, self._rng.randrange(20))
                elif change == "move":
                    organisation, site = self._rng.choice(ORGANISATIONS), self._rng.choice(PLACES)
                    move = "UPDATE things SET organisation_id = $2, site_id = $3 WHERE id = $1"
                    await connection.execute(move, one, organisation, site)
                else:
                    await connection.execute("DELETE FROM things WHERE id = $1", one)

    async def _end(self, number: int) -> None:
        transaction = self._open.pop(number)
        del self._locked[number]
        await (transaction.commit() if self._rng.random() < 0.8 else transaction.rollback())

    async def end_all(self) -> None:
        for number in list(self._open):
            await self._end(number)


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
        Follower(harness, await harness.caller(*grants), ThingFilter(most=most), backward)
        for grants in GRANTS
        for most, backward in ((None, False), (10, True))
    ]
    async with harness.pool.acquire() as one, harness.pool.acquire() as other, harness.pool.acquire() as third:
        connections: Any = [one, other, third]
        writers = Writers(rng, connections)
        cursors: dict[int, str | None] = {}
        for _ in range(150):
            await writers.step()
            place = rng.randrange(len(followers))
            follower, size = followers[place], rng.randint(1, 4)
            cursor = cursors.get(place)
            cursors[place] = await (follower.go_on(size, cursor) if cursor else follower.begin(size))
        await writers.end_all()
    for place, follower in enumerate(followers):
        cursor = cursors.get(place)
        for _ in range(2):  # the look that is under way, and one more
            while cursor:
                cursor = await follower.go_on(3, cursor)
            cursor = await follower.begin(3)
        while cursor:
            cursor = await follower.go_on(3, cursor)
        whole = await follower.page(Page(first=200))
        assert follower.known == dict(edge.node for edge in whole.edges)
        assert whole.total_count == len(whole.edges)


async def test_nothing_has_changed(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SUPPORT)
    await make_table(harness)
    await harness.pool.execute("INSERT INTO things VALUES ($1, $2, $3, 1)", new_uuid(), ORGANISATIONS[0], PLACES[0])
    follower = Follower(harness, await harness.caller(*GRANTS[0]), ThingFilter())
    whole = await follower.page(Page())
    later = await follower.page(Page(updated_after=whole.page_info.updated_until))
    assert (len(whole.edges), whole.total_count) == (1, 1)
    assert (later.edges, later.total_count, later.removed) == ([], 0, [])
    assert (await follower.page(Page(updates=False))).page_info.updated_until is None


async def refusal_of(follower: Follower, token: str) -> Exception:
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
    follower = Follower(harness, caller, ThingFilter())
    token = (await follower.page(Page())).page_info.updated_until
    assert token is not None
    for changed in (
        msgspec.structs.replace(caller, access_version=caller.access_version + 1),
        await harness.caller(*GRANTS[1]),
    ):
        assert isinstance(await refusal_of(Follower(harness, changed, ThingFilter()), token), ReadAnew)
    other_filter = Follower(harness, caller, ThingFilter(most=3))
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
    follower = Follower(harness, await harness.caller(*GRANTS[1]), ThingFilter())
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
    [(IDENTITY, "organisations", False), (SITES, "sites", True), (ORDERS, "orders", True), (SUPPORT, "tickets", True)],
    ids=["organisations", "sites", "orders", "tickets"],
)
async def test_each_listed_table_notes_its_changes(
    make_harness: MakeHarness[Any, Any], blueprint: Any, table: str, moves: bool
) -> None:
    harness = await make_harness(blueprint)
    rows = await harness.pool.fetch("SELECT tgname FROM pg_trigger WHERE tgrelid = $1::text::regclass", table)
    expected = {"mark_changed", "record_deletion"} | ({"record_move"} if moves else set())
    assert expected <= {row["tgname"] for row in rows}
