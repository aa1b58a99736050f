"""Cursors at every edge of the log, by socket and by polling, with orders' log on PostgreSQL (P1, P4)."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from services.access.caller import Caller
from services.chassis.events import event_log
from services.chassis.events.event_log import START, Cursor, LogBounds
from services.contracts.permission import SubjectKind
from services.orders.app import ORDERS
from tests.gateway.gateway_fixture import GatewayFixture, run_gateway
from tests.gateway.order_events import placed
from tests.gateway.stubs.samples import PARTNER, partner_access
from tests.support.fixtures import MakeHarness
from tests.support.servers import Servers
from tests.support.service_harness import ServiceHarness

SERVICE = Caller(subject_id="service:gateway", kind=SubjectKind.SERVICE, service="gateway")

ReadLog = Callable[[GatewayFixture, str | None], Awaitable[Sequence[int] | str]]

POLL = """
    query ($after: String, $first: Int!) {
      events(after: $after, first: $first) {
        __typename
        ... on EventPage { cursor end events { sequence cursor } }
        ... on CursorExpired { code start }
        ... on Refusal { problems { code path } }
      }
    }
"""


class DatabaseLog:
    """Orders' log on a database, which the gateway's stub of orders reads."""

    def __init__(self, harness: ServiceHarness[Any, Any]) -> None:
        self._harness = harness
        self._api = harness.api(SERVICE)

    async def write(self, numbers: Sequence[int]) -> None:
        """Write events with these sequence numbers, as if they had been published."""
        async with self._harness.work() as tx:
            for number in numbers:
                tx.emit(placed(number))
        await self._harness.pool.execute("UPDATE chassis.outbox SET sequence = position WHERE sequence IS NULL")
        await self._harness.pool.execute("UPDATE chassis.leader SET last_sequence = $1", numbers[-1])

    async def expire(self, before: int) -> None:
        await self._harness.pool.execute("DELETE FROM chassis.outbox WHERE sequence < $1", before)

    async def edges(self) -> LogBounds:
        async with self._harness.pool.acquire() as connection:
            return await event_log.read_bounds(connection)

    async def events(self, **arguments: Any) -> Any:
        return await self._api.events(**arguments)


@contextlib.asynccontextmanager
async def over(servers: Servers, events: DatabaseLog) -> AsyncIterator[GatewayFixture]:
    """Run a gateway with this log, for a partner with all access."""
    async with run_gateway(servers) as gateway:
        orders: Any = gateway.services.orders
        orders.events = events.events
        gateway.services.orders.generation = (await events.edges()).generation
        gateway.services.identity.access[PARTNER] = partner_access(None)
        yield gateway


def log_of(gateway: GatewayFixture) -> DatabaseLog:
    events: Any = gateway.services.orders.events
    sequences: DatabaseLog = events.__self__
    return sequences


async def by_polling(gateway: GatewayFixture, after: str | None) -> Sequence[int] | str:
    """Return the sequence numbers after a cursor, by pages of three; or the code of the refusal."""
    sequences: list[int] = []
    while True:
        answer = await gateway.execute(POLL, gateway.partner(), after=after, first=3)
        if "errors" in answer:
            return str(answer["errors"][0]["extensions"]["code"])
        page = answer["data"]["events"]
        if page["__typename"] == "CursorExpired":
            assert page["start"] == str((await log_of(gateway).edges()).start)
            return str(page["code"])
        sequences += [event["sequence"] for event in page["events"]]
        assert all(Cursor.of(event["cursor"]).sequence == event["sequence"] for event in page["events"])
        if page["end"]:
            return sequences
        after = page["cursor"]


async def by_socket(gateway: GatewayFixture, after: str | None) -> Sequence[int] | str:
    """Return the sequence numbers after a cursor, up to one that is published later; or the code of the refusal."""
    events = log_of(gateway)
    async with gateway.socket(gateway.partner()) as socket:
        await socket.subscribe(after=after)
        message = await socket.next_message()
        if errors := message["payload"].get("errors"):
            return str(errors[0]["extensions"]["code"])
        first = message["payload"]["data"]["orderEvents"]
        if first["__typename"] == "CursorExpired":
            assert first["start"] == str((await events.edges()).start)
            assert (await socket.next_message())["type"] == "complete"
            return str(first["code"])
        assert first["__typename"] == "Checkpoint"
        last = (await events.edges()).last_sequence
        assert first["cursor"] == (after or str(Cursor(gateway.services.orders.generation, last)))
        await events.write([last + 1])
        await gateway.publish(placed(last + 1), last + 1, logged=False)
        sequences: list[int] = []
        while last + 1 not in sequences:
            item = await socket.next_item()
            assert Cursor.of(item["cursor"]) == Cursor(gateway.services.orders.generation, item["sequence"])
            sequences.append(item["sequence"])
        assert sequences.pop() == last + 1
        return sequences


Expected = Callable[[LogBounds], Sequence[int] | str]


def behind(offset: int) -> Callable[[LogBounds], str]:
    """Return the cursor this far after the last expired event."""
    return lambda edges: str(Cursor(edges.generation, edges.start.sequence + offset))


def before_end(offset: int) -> Callable[[LogBounds], str]:
    """Return the cursor this far before the log's last event."""
    return lambda edges: str(Cursor(edges.generation, edges.last_sequence - offset))


def nothing(_: LogBounds) -> Sequence[int]:
    return []


def all_but(count: int) -> Expected:
    """Return the log's sequence numbers without the first ones."""
    return lambda edges: list(range(edges.first_sequence + count, edges.last_sequence + 1))


def expired(_: LogBounds) -> str:
    return "CURSOR_EXPIRED"


def malformed(_: LogBounds) -> str:
    return "MALFORMED"


EDGES: dict[str, tuple[Callable[[LogBounds], str | None], Expected]] = {
    "null is from now on": (lambda _: None, nothing),
    "START is all that is left": (lambda _: START, all_but(0)),
    "the start as the log names it": (behind(0), all_but(0)),
    "behind exactly the first": (behind(1), all_but(1)),
    "behind the last but one": (before_end(1), lambda edges: [edges.last_sequence]),
    "behind exactly the last": (before_end(0), nothing),
    "from before the log": (behind(-1), expired),
    "from before any log": (lambda edges: str(Cursor(edges.generation, 0)), expired),
    "beyond the end": (before_end(-1), expired),
    "beyond any end": (lambda edges: str(Cursor(edges.generation, 2**64 - 1)), expired),
    "another generation": (lambda edges: str(Cursor(uuid.uuid4(), edges.first_sequence)), expired),
    "no cursor": (lambda _: "no cursor", malformed),
    "an empty text": (lambda _: "", malformed),
    "letters that no cursor has": (lambda _: "jätelaatikko", malformed),
    "a cursor cut short": (lambda edges: str(edges.end)[:-1], malformed),
    "START in small letters": (lambda _: "start", malformed),
}


@pytest.fixture
async def events(make_harness: MakeHarness[Any, Any]) -> DatabaseLog:
    return DatabaseLog(await make_harness(ORDERS))


@pytest.mark.parametrize("look", [by_polling, by_socket], ids=["polling", "socket"])
async def test_every_edge(look: ReadLog, events: DatabaseLog, server_addresses: Servers) -> None:
    await events.write(range(1, 11))
    await events.expire(before=4)
    async with over(server_addresses, events) as gateway:
        for name, (after, expected) in EDGES.items():
            edges = await events.edges()
            assert await look(gateway, after(edges)) == expected(edges), name


@pytest.mark.parametrize("look", [by_polling, by_socket], ids=["polling", "socket"])
async def test_an_empty_log(look: ReadLog, events: DatabaseLog, server_addresses: Servers) -> None:
    async with over(server_addresses, events) as gateway:
        beginning = (await events.edges()).end
        written = 1 if look is by_socket else 0  # reading by socket writes an event each time
        assert await look(gateway, None) == []
        assert await look(gateway, START) == list(range(1, 1 + written))
        assert await look(gateway, str(beginning)) == list(range(1, 1 + 2 * written))


@pytest.mark.parametrize("first", [0, -1, 501])
async def test_a_page_has_1_to_500_events(first: int, events: DatabaseLog, server_addresses: Servers) -> None:
    async with over(server_addresses, events) as gateway:
        answer = await gateway.execute(POLL, gateway.partner(), after=None, first=first)
        params = {"reason": "RANGE", "least": "1", "most": "500"}
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "MALFORMED", "path": ["first"], "params": params}
