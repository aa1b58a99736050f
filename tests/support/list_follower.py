"""Readers that keep a list by following its changes, and writers whose transactions overlap with their looks."""

import random
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg
import msgspec

from services.chassis.ids import new_uuid
from services.chassis.problems import ReadAnew
from services.contracts.values import Connection, Page
from tests.support.polling import until

F = TypeVar("F")

DatabaseConnection = Any
"""One of the connections of a test's pool."""


class Follower:
    """A reader that keeps a list: it follows the tokens, page by page, and begins again after READ_ANEW."""

    def __init__(
        self,
        read: Callable[[Page], Awaitable[Connection[Any]]],
        node: Callable[[Any], tuple[str, object]],
        *,
        backward: bool = False,
    ) -> None:
        self.page = read
        self._node = node
        self._backward = backward
        self._earlier: str | None = None
        self.token: str | None = None
        self.known: dict[str, object] = {}
        self.read_anew = 0
        """The number of looks that found their token useless."""

    async def begin(self, size: int) -> str | None:
        """Read the first page of a look; return the cursor of the next one."""
        first = Page(first=size) if not self._backward else Page(last=size)
        try:
            listed = await self.page(msgspec.structs.replace(first, updated_after=self.token))
        except ReadAnew:
            self.read_anew += 1
            self.token = None
            self.known.clear()
            return await self.begin(size)
        self._earlier, self.token = self.token, listed.page_info.updated_until
        assert self.token is not None
        for gone in listed.removed:
            self.known.pop(gone, None)
        return self._take(listed)

    async def go_on(self, size: int, cursor: str) -> str | None:
        """Read a further page of the look; return the cursor of the next one."""
        page = Page(last=size, before=cursor) if self._backward else Page(first=size, after=cursor)
        try:
            listed = await self.page(msgspec.structs.replace(page, updated_after=self._earlier))
        except ReadAnew:
            return await self.begin(size)
        assert (listed.page_info.updated_until, listed.removed) == (None, [])
        return self._take(listed)

    async def whole(self) -> dict[str, object]:
        """Return the whole list as it is now."""
        listed = await self.page(Page(first=200))
        assert listed.total_count == len(listed.edges)
        return dict(self._node(edge.node) for edge in listed.edges)

    def _take(self, listed: Connection[Any]) -> str | None:
        self.known.update(self._node(edge.node) for edge in listed.edges)
        info = listed.page_info
        if self._backward:
            return info.start_cursor if info.has_previous_page else None
        return info.end_cursor if info.has_next_page else None


class Write(msgspec.Struct, frozen=True):
    """A statement on one row."""

    rows: list[uuid.UUID]
    """The ids of all rows that it may be about."""
    execute: Callable[[DatabaseConnection, uuid.UUID], Awaitable[object]]
    inserts: bool = False
    """Whether it is about a new row."""


class Writers:
    """Transactions with random writes, several at a time, of which none waits for another."""

    def __init__(
        self, rng: random.Random, connections: "Sequence[asyncpg.Connection[Any]]", writes: Sequence[Write]
    ) -> None:
        self._rng = rng
        self._connections = connections
        self._writes = writes
        self._open: dict[int, Any] = {}
        self._locked: dict[int, set[uuid.UUID]] = {}

    async def step(self) -> None:
        """Go on with one of the transactions: a write, or its end."""
        number = self._rng.randrange(len(self._connections))
        connection = self._connections[number]
        if number not in self._open:
            self._open[number] = connection.transaction()
            await self._open[number].start()
            self._locked[number] = set()
        place = self._rng.randrange(len(self._writes) * 4 // 3 + 1)
        if place >= len(self._writes):
            await self._end(number)
            return
        write = self._writes[place]
        if write.inserts:
            row = new_uuid()
            write.rows.append(row)
        else:
            locked = set().union(*(ids for other, ids in self._locked.items() if other != number))
            free = [one for one in write.rows if one not in locked]
            if not free:
                return
            row = self._rng.choice(free)
        self._locked[number].add(row)
        await write.execute(connection, row)

    async def _end(self, number: int) -> None:
        transaction = self._open.pop(number)
        del self._locked[number]
        await (transaction.commit() if self._rng.random() < 0.8 else transaction.rollback())

    async def end_all(self) -> None:
        """End all transactions."""
        for number in list(self._open):
            await self._end(number)


async def next_changes(look: Callable[[], Awaitable[F]], nothing: F) -> F:
    """Return what a look finds, after which the next one finds nothing.

    A change comes again for as long as an older transaction is under way on the server, be it of another test.
    """
    found = await look()
    await until(look, lambda again: again == nothing)
    return found


async def follow(
    pool: Any, rng: random.Random, followers: Sequence[Follower], writes: Sequence[Write], *, steps: int = 150
) -> None:
    """Assert that followers know their whole lists after many looks between the writes of overlapping transactions."""
    async with pool.acquire() as one, pool.acquire() as other, pool.acquire() as third:
        writers = Writers(rng, (one, other, third), writes)
        cursors: dict[int, str | None] = {}
        for _ in range(steps):
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
        assert follower.known == await follower.whole()
