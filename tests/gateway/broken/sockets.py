"""Sockets that break the protocol: the handshake (RFC 6455, section 4), frames (section 5), graphql-transport-ws."""

import json
from collections.abc import Collection
from typing import Any

import msgspec
from websockets.frames import Frame, Opcode

from tests.gateway.broken.wire import http

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_ACCEPTABLE, TAKEN, TOO_MANY_INITS = 4400, 4401, 4403, 4406, 4409, 4429
PROTOCOL_ERROR, WRONG_DATA, CUT_OFF, NO_TEXT, TOO_BIG = 1002, 1003, 1006, 1007, 1009
NOT_UNDERSTOOD = frozenset({BAD_REQUEST, WRONG_DATA, NO_TEXT, TOO_BIG})

_KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
_ASKS = ("Connection: Upgrade", "Upgrade: websocket")
_VERSION = "Sec-WebSocket-Version: 13"

HANDSHAKES = {
    "no key": (*_ASKS, _VERSION),
    "a key of nothing": (*_ASKS, _VERSION, "Sec-WebSocket-Key: "),
    "a key that is too short": (*_ASKS, _VERSION, "Sec-WebSocket-Key: eA=="),
    "two keys": (*_ASKS, _VERSION, _KEY, _KEY),
    "no version": (*_ASKS, _KEY),
    "a version that is none": (*_ASKS, _KEY, "Sec-WebSocket-Version: x"),
    "a version of tomorrow": (*_ASKS, _KEY, "Sec-WebSocket-Version: 99"),
    "no connection": ("Upgrade: websocket", _KEY, _VERSION),
    "an upgrade to two": ("Connection: Upgrade", "Upgrade: websocket, h2c", _KEY, _VERSION),
    "extensions of nonsense": (*_ASKS, _KEY, _VERSION, "Sec-WebSocket-Extensions: ;;;=,"),
    "protocols of nonsense": (*_ASKS, _KEY, _VERSION, "Sec-WebSocket-Protocol: ,,;\xff"),
    "a body": (*_ASKS, _KEY, _VERSION, "Content-Length: 5"),
}
"""What is broken, and the fields of the request."""


def handshake(*fields: str) -> bytes:
    return http("GET", "/graphql", *fields, body=b"x" * 5)


class Sent(msgspec.Struct, frozen=True):
    """``what`` is broken in the messages (text) and frames (bytes) that are sent, and the codes to be closed with.

    Without codes, the socket stays open; ``told``: and says what is wrong, in an `error` message with these codes.
    """

    what: str
    messages: tuple[str | bytes, ...]
    codes: Collection[int] = ()
    told: Collection[str] = ()


def _frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


def _message(**message: Any) -> str:
    return json.dumps(message)


def _ask(payload: Any, name: Any = "1") -> str:
    return _message(id=name, type="subscribe", payload=payload)


INIT = _message(type="connection_init")
SUBSCRIBE = _message(id="1", type="subscribe", payload={"query": "subscription { orderEvents { __typename } }"})

_NO_MESSAGES = {
    "nothing": "",
    "no JSON": "{",
    "null": "null",
    "a number": "1",
    "an array": "[]",
    "a batch": f"[{INIT}]",
    "an object of nothing": "{}",
    "a type that is a number": '{"type": 1}',
    "a type that is none": '{"type": "nothing"}',
    "a type of the older protocol": '{"type": "start", "id": "1", "payload": {"query": "{ __typename }"}}',
    "a message of the server": '{"type": "next", "id": "1", "payload": {"data": null}}',
    "brackets": "[" * 100_000,
    "braces": '{"type":' * 100_000,
    "1e400": '{"type": "ping", "payload": {"a": 1e400, "b": NaN}}',
    "NULs": "\0" * 1000,
}
_NO_MESSAGES_TO_ASK = {
    "without anything": _message(type="subscribe"),
    "without an id": _message(type="subscribe", payload={"query": "{ __typename }"}),
    "with a number as id": _ask({"query": "{ __typename }"}, 1),
    "with null as id": _ask({"query": "{ __typename }"}, None),
    "with a payload that is a text": _ask("{ __typename }"),
    "with an array as payload": _ask([]),
}
_NO_REQUESTS = {
    "without a payload": _message(id="1", type="subscribe"),
    "without a document": _ask({}),
    "with a number as document": _ask({"query": 1}),
    "with a text as variables": _ask({"query": "{ __typename }", "variables": "x"}),
    "with an array as variables": _ask({"query": "{ __typename }", "variables": []}),
    "with a number as name": _ask({"query": "{ __typename }", "operationName": 1}),
}
_REFUSED = {
    "a document with a mistake": _ask({"query": "{"}),
    "an unknown field": _ask({"query": "{ nothing }"}),
    "an unknown operation": _ask({"query": "query A { __typename }", "operationName": "B"}),
    "two operations and no name": _ask({"query": "query A { __typename } query B { __typename }"}),
    "a missing variable": _ask({"query": "query ($a: Boolean!) { __typename @include(if: $a) }"}),
    "selections without end": _ask({"query": "{ me " * 10_000}),
}
_INVALID = frozenset({"INVALID_OPERATION", "INVALID_VARIABLES", "UNKNOWN_OPERATION", "LIMIT_EXCEEDED"})

SENT = [
    *(Sent(f"a message of {what}", (message,), NOT_UNDERSTOOD) for what, message in _NO_MESSAGES.items()),
    *(Sent(f"asking {what}", (INIT, message), {BAD_REQUEST}) for what, message in _NO_MESSAGES_TO_ASK.items()),
    *(Sent(f"asking {what}", (INIT, message), {BAD_REQUEST}) for what, message in _NO_REQUESTS.items()),
    *(Sent(f"asking with {what}", (INIT, message), told=_INVALID) for what, message in _REFUSED.items()),
    Sent("asking before init", (_ask({"query": "{ __typename }"}),), {UNAUTHORIZED}),
    Sent("init twice", (INIT, INIT), {TOO_MANY_INITS}),
    Sent("init with a text", (_message(type="connection_init", payload="x"),), {BAD_REQUEST}),
    Sent(
        "init with a token that is none",
        (_message(type="connection_init", payload={"Authorization": "Bearer x.y.z"}),),
        {FORBIDDEN},
    ),
    Sent(
        "init with a token that is an object",
        (_message(type="connection_init", payload={"Authorization": {"a": []}}),),
        {BAD_REQUEST, FORBIDDEN},
    ),
    Sent("the end of what never began", (INIT, _message(id="9", type="complete"))),
    Sent("the end of nothing", (INIT, _message(type="complete")), {BAD_REQUEST}),
    Sent("a ping with a text", (INIT, _message(type="ping", payload="x")), {BAD_REQUEST}),
    Sent("pongs nobody asked for", (INIT, *[_message(type="pong")] * 100)),
    Sent("bytes", (_frame(Opcode.BINARY, INIT.encode()),), NOT_UNDERSTOOD),
    Sent("a text that is no UTF-8", (_frame(Opcode.TEXT, b"\xff\xfe"),), {NO_TEXT}),
    Sent(
        "a message in 500 pieces",
        (
            _frame(Opcode.TEXT, b"{", fin=False),
            *[_frame(Opcode.CONT, b" ", fin=False)] * 500,
            _frame(Opcode.CONT, INIT[1:].encode()),
        ),
    ),
    Sent("a piece of nothing", (_frame(Opcode.CONT, b"x"),), {PROTOCOL_ERROR}),
    Sent("a message in a message", (_frame(Opcode.TEXT, b"{", fin=False), _frame(Opcode.TEXT, b"{")), {PROTOCOL_ERROR}),
    Sent("a ping in pieces", (b"\x09\x80" + bytes(4),), {PROTOCOL_ERROR}),
    Sent("a ping of 126 bytes", (b"\x89\xfe\x00\x7e" + bytes(130),), {PROTOCOL_ERROR}),
    Sent("pings of the wire", (_frame(Opcode.PING, b"x"),) * 100 + (INIT,)),
    Sent("a frame without a mask", (Frame(Opcode.TEXT, INIT.encode()).serialize(mask=False),), {PROTOCOL_ERROR}),
    Sent("a reserved opcode", (b"\x83\x80" + bytes(4),), {PROTOCOL_ERROR}),
    Sent("reserved bits", (b"\xf1\x80" + bytes(4),), {PROTOCOL_ERROR}),
    Sent("a frame of 2^62 bytes", (b"\x81\xff\x40" + bytes(11),), {PROTOCOL_ERROR, TOO_BIG}),
    Sent("a close of one byte", (_frame(Opcode.CLOSE, b"x"),), {PROTOCOL_ERROR}),
    Sent("a close with a code that is none", (_frame(Opcode.CLOSE, b"\x00\x01"),), {PROTOCOL_ERROR}),
    # Who still sends when the connection is gone may not read why.
    Sent("a message of 2 MB", (INIT, _ask({"query": " " * 2_000_000})), {TOO_BIG, CUT_OFF}),
]
