"""Protocol violations on sockets: handshakes (RFC 6455, section 4), frames (section 5), graphql-transport-ws."""

import json
from collections.abc import Collection
from typing import Any

import msgspec
from websockets.frames import Frame, Opcode

from tests.gateway.malformed.raw_http import http

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_ACCEPTABLE, DUPLICATE_ID, TOO_MANY_INITS = 4400, 4401, 4403, 4406, 4409, 4429
PROTOCOL_ERROR, WRONG_DATA, ABNORMAL_CLOSURE, INVALID_UTF8, TOO_BIG = 1002, 1003, 1006, 1007, 1009
NOT_UNDERSTOOD = frozenset({BAD_REQUEST, WRONG_DATA, INVALID_UTF8, TOO_BIG})

_KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
_UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
_VERSION = "Sec-WebSocket-Version: 13"

HANDSHAKES = {
    "no key": (*_UPGRADE, _VERSION),
    "a key of nothing": (*_UPGRADE, _VERSION, "Sec-WebSocket-Key: "),
    "a key that is too short": (*_UPGRADE, _VERSION, "Sec-WebSocket-Key: eA=="),
    "two keys": (*_UPGRADE, _VERSION, _KEY, _KEY),
    "no version": (*_UPGRADE, _KEY),
    "a version that is none": (*_UPGRADE, _KEY, "Sec-WebSocket-Version: x"),
    "a version of tomorrow": (*_UPGRADE, _KEY, "Sec-WebSocket-Version: 99"),
    "no connection": ("Upgrade: websocket", _KEY, _VERSION),
    "an upgrade to two": ("Connection: Upgrade", "Upgrade: websocket, h2c", _KEY, _VERSION),
    "extensions of nonsense": (*_UPGRADE, _KEY, _VERSION, "Sec-WebSocket-Extensions: ;;;=,"),
    "protocols of nonsense": (*_UPGRADE, _KEY, _VERSION, "Sec-WebSocket-Protocol: ,,;\xff"),
    "a body": (*_UPGRADE, _KEY, _VERSION, "Content-Length: 5"),
}
"""The defects, with the fields of the request."""


def handshake(*fields: str) -> bytes:
    return http("GET", "/graphql", *fields, body=b"x" * 5)


class MalformedMessages(msgspec.Struct, frozen=True):
    """Messages (text) and frames (bytes), named by their defect, and the allowed close codes.

    Without codes, the socket stays open; it may send `error` messages with ``error_codes``.
    """

    name: str
    messages: tuple[str | bytes, ...]
    codes: Collection[int] = ()
    error_codes: Collection[str] = ()


def _frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


def _message(**message: Any) -> str:
    return json.dumps(message)


def _subscribe(payload: Any, name: Any = "1") -> str:
    return _message(id=name, type="subscribe", payload=payload)


INIT = _message(type="connection_init")
SUBSCRIBE = _message(id="1", type="subscribe", payload={"query": "subscription { orderEvents { __typename } }"})

_NOT_MESSAGES = {
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
_NOT_SUBSCRIBE = {
    "without anything": _message(type="subscribe"),
    "without an id": _message(type="subscribe", payload={"query": "{ __typename }"}),
    "with a number as id": _subscribe({"query": "{ __typename }"}, 1),
    "with null as id": _subscribe({"query": "{ __typename }"}, None),
    "with a payload that is a text": _subscribe("{ __typename }"),
    "with an array as payload": _subscribe([]),
}
_NOT_REQUESTS = {
    "without a payload": _message(id="1", type="subscribe"),
    "without a document": _subscribe({}),
    "with a number as document": _subscribe({"query": 1}),
    "with a text as variables": _subscribe({"query": "{ __typename }", "variables": "x"}),
    "with an array as variables": _subscribe({"query": "{ __typename }", "variables": []}),
    "with a number as name": _subscribe({"query": "{ __typename }", "operationName": 1}),
}
_REFUSED = {
    "a document with a mistake": _subscribe({"query": "{"}),
    "an unknown field": _subscribe({"query": "{ nothing }"}),
    "an unknown operation": _subscribe({"query": "query A { __typename }", "operationName": "B"}),
    "two operations and no name": _subscribe({"query": "query A { __typename } query B { __typename }"}),
    "a missing variable": _subscribe({"query": "query ($a: Boolean!) { __typename @include(if: $a) }"}),
    "selections without end": _subscribe({"query": "{ me " * 10_000}),
}
_INVALID = frozenset({"INVALID_OPERATION", "INVALID_VARIABLES", "UNKNOWN_OPERATION", "LIMIT_EXCEEDED"})

MESSAGES = [
    *(MalformedMessages(f"a message of {what}", (message,), NOT_UNDERSTOOD) for what, message in _NOT_MESSAGES.items()),
    *(
        MalformedMessages(f"subscribe: {what}", (INIT, message), {BAD_REQUEST})
        for what, message in _NOT_SUBSCRIBE.items()
    ),
    *(
        MalformedMessages(f"subscribe: {what}", (INIT, message), {BAD_REQUEST})
        for what, message in _NOT_REQUESTS.items()
    ),
    *(
        MalformedMessages(f"subscribe with {what}", (INIT, message), error_codes=_INVALID)
        for what, message in _REFUSED.items()
    ),
    MalformedMessages("subscribe before init", (_subscribe({"query": "{ __typename }"}),), {UNAUTHORIZED}),
    MalformedMessages("init twice", (INIT, INIT), {TOO_MANY_INITS}),
    MalformedMessages("init with a text", (_message(type="connection_init", payload="x"),), {BAD_REQUEST}),
    MalformedMessages(
        "init with a token that is none",
        (_message(type="connection_init", payload={"Authorization": "Bearer x.y.z"}),),
        {FORBIDDEN},
    ),
    MalformedMessages(
        "init with a token that is an object",
        (_message(type="connection_init", payload={"Authorization": {"a": []}}),),
        {BAD_REQUEST, FORBIDDEN},
    ),
    MalformedMessages("the end of what never began", (INIT, _message(id="9", type="complete"))),
    MalformedMessages("the end of nothing", (INIT, _message(type="complete")), {BAD_REQUEST}),
    MalformedMessages("a ping with a text", (INIT, _message(type="ping", payload="x")), {BAD_REQUEST}),
    MalformedMessages("unrequested pongs", (INIT, *[_message(type="pong")] * 100)),
    MalformedMessages("bytes", (_frame(Opcode.BINARY, INIT.encode()),), NOT_UNDERSTOOD),
    MalformedMessages("a text that is no UTF-8", (_frame(Opcode.TEXT, b"\xff\xfe"),), {INVALID_UTF8}),
    MalformedMessages(
        "a message in 500 pieces",
        (
            _frame(Opcode.TEXT, b"{", fin=False),
            *[_frame(Opcode.CONT, b" ", fin=False)] * 500,
            _frame(Opcode.CONT, INIT[1:].encode()),
        ),
    ),
    MalformedMessages("a piece of nothing", (_frame(Opcode.CONT, b"x"),), {PROTOCOL_ERROR}),
    MalformedMessages(
        "a message in a message", (_frame(Opcode.TEXT, b"{", fin=False), _frame(Opcode.TEXT, b"{")), {PROTOCOL_ERROR}
    ),
    MalformedMessages("a ping in pieces", (b"\x09\x80" + bytes(4),), {PROTOCOL_ERROR}),
    MalformedMessages("a ping of 126 bytes", (b"\x89\xfe\x00\x7e" + bytes(130),), {PROTOCOL_ERROR}),
    MalformedMessages("pings of the wire", (_frame(Opcode.PING, b"x"),) * 100 + (INIT,)),
    MalformedMessages(
        "a frame without a mask", (Frame(Opcode.TEXT, INIT.encode()).serialize(mask=False),), {PROTOCOL_ERROR}
    ),
    MalformedMessages("a reserved opcode", (b"\x83\x80" + bytes(4),), {PROTOCOL_ERROR}),
    MalformedMessages("reserved bits", (b"\xf1\x80" + bytes(4),), {PROTOCOL_ERROR}),
    MalformedMessages("a frame of 2^62 bytes", (b"\x81\xff\x40" + bytes(11),), {PROTOCOL_ERROR, TOO_BIG}),
    MalformedMessages("a close of one byte", (_frame(Opcode.CLOSE, b"x"),), {PROTOCOL_ERROR}),
    MalformedMessages("a close with a code that is none", (_frame(Opcode.CLOSE, b"\x00\x01"),), {PROTOCOL_ERROR}),
    # A client that sends after the connection is closed may not read the close code.
    MalformedMessages("a message of 2 MB", (INIT, _subscribe({"query": " " * 2_000_000})), {TOO_BIG, ABNORMAL_CLOSURE}),
]
