"""The graphql-transport-ws protocol: the replies to each message, and the close codes of invalid ones."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import aiohttp
import msgspec
import pytest
from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError

from tests.gateway.gateway_fixture import EVENTS, PROTOCOL, GatewayFixture
from tests.gateway.stubs.samples import PARTNER, partner_access

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "{ me { username } }"
INIT = {"type": "connection_init"}
ACK, PONG = ("connection_ack", None), ("pong", None)
NEXT, ERROR, COMPLETE = ("next", "1"), ("error", "1"), ("complete", "1")

ServerMessage = tuple[str, str | None]
"""A message of the gateway: its type, and the id of its operation."""


def init(payload: Any) -> dict[str, Any]:
    return {**INIT, "payload": payload}


def subscribe(payload: Any = None, name: Any = "1") -> dict[str, Any]:
    return {"type": "subscribe", "id": name, "payload": {"query": ME} if payload is None else payload}


def complete(name: Any = "1") -> dict[str, Any]:
    return {"type": "complete", "id": name}


class ProtocolCase(msgspec.Struct, frozen=True):
    """Messages that are sent in order, the gateway's replies, and its close code, if any."""

    name: str
    sent: Sequence[Any]
    replies: Sequence[ServerMessage] = ()
    code: int | None = None


CASES = [
    ProtocolCase("init", [INIT], [ACK]),
    ProtocolCase("init with null", [init(None)], [ACK]),
    ProtocolCase("init with nothing in it", [init({})], [ACK]),
    ProtocolCase("init with no authorization", [init({"Authorization": None, "headers": None})], [ACK]),
    ProtocolCase("init with an empty authorization", [init({"authorization": ""})], [ACK]),
    ProtocolCase("init with what else a client says of itself", [init({"client": {"name": "x"}})], [ACK]),
    ProtocolCase("init with a text", [init("x")], code=4400),
    ProtocolCase("init with an array", [init([])], code=4400),
    ProtocolCase("init with headers that are none", [init({"headers": "authorization: x"})], code=4400),
    ProtocolCase("init with an authorization that is none", [init({"authorization": {"a": "b"}})], code=4400),
    ProtocolCase("init with a token that is none", [init({"Authorization": "Bearer x.y.z"})], code=4403),
    ProtocolCase(
        "init with a token that is none in headers", [init({"headers": {"AUTHORIZATION": "Bearer x"}})], code=4403
    ),
    ProtocolCase("init with another scheme", [init({"Authorization": "Basic eDp5"})], code=4403),
    ProtocolCase("init twice", [INIT, INIT], [ACK], 4429),
    ProtocolCase("init that is none, the second time", [INIT, init("x")], [ACK], 4400),
    ProtocolCase("subscribe before init", [subscribe()], code=4401),
    ProtocolCase("complete before init", [complete()], code=4401),
    ProtocolCase("a ping before init", [{"type": "ping"}, INIT], [PONG, ACK]),
    ProtocolCase("a pong before init", [{"type": "pong"}, INIT], [ACK]),
    ProtocolCase(
        "pings with details", [{"type": "ping", "payload": one} for one in (None, {}, {"a": [1]})], [PONG] * 3
    ),
    ProtocolCase("pongs with details", [{"type": "pong", "payload": one} for one in (None, {}, {"a": [1]})]),
    ProtocolCase("a ping with a text", [{"type": "ping", "payload": "x"}], code=4400),
    ProtocolCase("a pong with a number", [{"type": "pong", "payload": 1}], code=4400),
    ProtocolCase("an operation", [INIT, subscribe()], [ACK, NEXT, COMPLETE]),
    ProtocolCase("an id that is free again", [INIT, subscribe(), subscribe()], [ACK, *[NEXT, COMPLETE] * 2]),
    ProtocolCase(
        "two ids", [INIT, subscribe(), subscribe(name="2")], [ACK, NEXT, COMPLETE, ("next", "2"), ("complete", "2")]
    ),
    ProtocolCase("no name", [INIT, subscribe({"query": ME, "operationName": None})], [ACK, NEXT, COMPLETE]),
    ProtocolCase("an empty name", [INIT, subscribe({"query": ME, "operationName": ""})], [ACK, NEXT, COMPLETE]),
    ProtocolCase("variables of null", [INIT, subscribe({"query": ME, "variables": None})], [ACK, NEXT, COMPLETE]),
    ProtocolCase("extensions of null", [INIT, subscribe({"query": ME, "extensions": None})], [ACK, NEXT, COMPLETE]),
    ProtocolCase("an operation that is not valid", [INIT, subscribe({"query": "{ nothing }"})], [ACK, ERROR]),
    ProtocolCase("a text that is none", [INIT, subscribe({"query": "{"})], [ACK, ERROR]),
    ProtocolCase("an empty text", [INIT, subscribe({"query": ""})], [ACK, ERROR]),
    ProtocolCase(
        "an operation that is not there", [INIT, subscribe({"query": ME, "operationName": "B"})], [ACK, ERROR]
    ),
    ProtocolCase("an unknown document", [INIT, subscribe({"documentId": "sha256:" + "0" * 64})], [ACK, ERROR]),
    ProtocolCase("complete after an error", [INIT, subscribe({"query": "{"}), complete()], [ACK, ERROR]),
    ProtocolCase("an id that is free after an error", [INIT, *[subscribe({"query": "{"})] * 2], [ACK, ERROR, ERROR]),
    ProtocolCase("complete for what never was", [INIT, complete("9"), complete("9")], [ACK]),
    ProtocolCase("complete for what is over", [INIT, subscribe(), complete()], [ACK, NEXT, COMPLETE]),
    *(
        ProtocolCase(f"subscribe with {what}", [INIT, message], [ACK], 4400)
        for what, message in {
            "no payload": {"type": "subscribe", "id": "1"},
            "null": {"type": "subscribe", "id": "1", "payload": None},
            "a text": subscribe(ME),
            "an array": subscribe([ME]),
            "no text": subscribe({"operationName": "A"}),
            "a text of null": subscribe({"query": None}),
            "a text that is a number": subscribe({"query": 1}),
            "a name that is a number": subscribe({"query": ME, "operationName": 1}),
            "variables that are an array": subscribe({"query": ME, "variables": []}),
            "variables that are a text": subscribe({"query": ME, "variables": "{}"}),
            "extensions that are a text": subscribe({"query": ME, "extensions": "{}"}),
            "a persisted query of no form": subscribe({"extensions": {"persistedQuery": 1}}),
            "no id": {"type": "subscribe", "payload": {"query": ME}},
            "an empty id": subscribe(name=""),
            "an id that is a number": subscribe(name=1),
            "an id of null": subscribe(name=None),
            "an id without end": subscribe(name="x" * 1000),
        }.items()
    ),
    *(
        ProtocolCase(f"complete with {what}", [INIT, message], [ACK], 4400)
        for what, message in {
            "no id": {"type": "complete"},
            "an id that is a number": complete(1),
            "an empty id": complete(""),
        }.items()
    ),
    *(
        ProtocolCase(f"a message that is {what}", [INIT, message], [ACK], 4400)
        for what, message in {
            "no object": "text",
            "an array": [INIT],
            "null": None,
            "without a type": {},
            "of a type that is a number": {"type": 1},
            "of no type": {"type": "nothing" * 100},
            "of the older protocol": {"type": "start", "id": "1", "payload": {"query": ME}},
            "the server's ack": {"type": "connection_ack"},
            "the server's next": {"type": "next", "id": "1", "payload": {"data": None}},
            "the server's error": {"type": "error", "id": "1", "payload": []},
        }.items()
    ),
]


async def play_messages(
    gateway: GatewayFixture, sent: Sequence[Any]
) -> tuple[list[ServerMessage], int | None, list[dict[str, Any]]]:
    """Send each message once the previous one is processed; return the replies and the close code."""
    received: list[dict[str, Any]] = []
    async with gateway.session.ws_connect(f"{gateway.url}/graphql", protocols=[PROTOCOL]) as connection:
        for message in sent:
            await connection.send_json(message)
            if _type_of(message) in ("subscribe", "connection_init"):
                await _receive_until(
                    connection, received, lambda: received[-1]["type"] in ("connection_ack", "error", "complete")
                )
        if not connection.closed:
            await connection.send_json({"type": "ping"})  # its pong is the last reply
            pongs = 1 + sum(_type_of(one) == "ping" for one in sent)
            await _receive_until(connection, received, lambda: sum(one["type"] == "pong" for one in received) == pongs)
        if not connection.closed:
            received.pop()
        return [(one["type"], one.get("id")) for one in received], connection.close_code, received


async def _receive_until(connection: Any, received: list[dict[str, Any]], is_done: Callable[[], bool]) -> None:
    """Receive messages until ``is_done``, or the end."""
    while (message := await connection.receive(timeout=60)).type is aiohttp.WSMsgType.TEXT:
        received.append(json.loads(message.data))
        if is_done():
            return


def _type_of(message: Any) -> Any:
    return message.get("type") if isinstance(message, dict) else None


@pytest.mark.parametrize("case", CASES, ids=lambda one: one.name)
async def test_replies(gateway: GatewayFixture, case: ProtocolCase) -> None:
    messages, code, _ = await play_messages(gateway, case.sent)
    assert (messages, code) == (list(case.replies), case.code)


@pytest.mark.parametrize("place", ["Authorization", "authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("inside", [False, True], ids=["in the payload", "in headers"])
async def test_the_token_is_found(gateway: GatewayFixture, place: str, inside: bool) -> None:
    payload: dict[str, Any] = {place: f"Bearer {gateway.user()}"}
    _, _, received = await play_messages(gateway, [init({"headers": payload} if inside else payload), subscribe()])
    assert received[1]["payload"] == {"data": {"me": {"username": "maija"}}}


async def test_an_id_that_is_running_closes_the_socket(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[PARTNER] = partner_access(None, version=1)
    name = "ä" * 150
    async with gateway.socket(gateway.partner()) as socket:
        await socket.connection.send_json(subscribe({"query": EVENTS}, name))
        await socket.next_item()
        await socket.connection.send_json(subscribe({"query": EVENTS}, name))
        message = await socket.connection.receive(timeout=60)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4409)
        assert str(message.extra).startswith("Subscriber for ää")


async def test_a_completed_subscription_sends_nothing_and_its_id_is_free(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[PARTNER] = partner_access(None, version=1)
    running = subscribe({"query": EVENTS, "operationName": ""})
    async with gateway.socket(gateway.partner()) as socket:
        for _ in range(3):
            await socket.connection.send_json(running)
            assert (await socket.next_item())["__typename"] == "Checkpoint"
            await socket.connection.send_json(complete())
        await socket.connection.send_json({"type": "ping"})
        assert (await socket.next_message())["type"] == "pong"


async def test_nothing_follows_an_unexpected_error(gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise ValueError

    monkeypatch.setattr(gateway.endpoint.sockets.dependencies.schema, "stream", fail)
    messages, code, received = await play_messages(gateway, [INIT, subscribe()])
    assert (messages, code) == ([ACK, ERROR], None)
    assert received[1]["payload"][0]["extensions"]["code"] == "UNEXPECTED"


async def test_nothing_follows_the_last_message_after_a_late_failure(
    gateway: GatewayFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def results() -> AsyncIterator[Any]:
        try:
            yield PreExecutionError(data=None, errors=[GraphQLError("no")])
        finally:
            raise ValueError

    async def stream(*_: Any, **__: Any) -> AsyncIterator[Any]:
        return results()

    monkeypatch.setattr(gateway.endpoint.sockets.dependencies.schema, "stream", stream)
    messages, code, received = await play_messages(gateway, [INIT, subscribe()])
    assert (messages, code) == ([ACK, ERROR], None)
    assert received[1]["payload"] == [{"message": "no"}]
