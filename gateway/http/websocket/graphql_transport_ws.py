"""The messages of graphql-transport-ws, as clients send them, and the codes that a socket is closed with.

The protocol is https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. A message of a type or a form that is
not in it closes the socket. Fields that it does not know are left out.
"""

from typing import Annotated, Any

import msgspec

from gateway.admission import GraphQLRequest
from gateway.http.json_text import decode_json

SUBPROTOCOL = "graphql-transport-ws"

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
"""Also what an open socket is closed with when its caller's access ends."""
NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_REQUESTS = 4429

OperationId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""An operation's: it goes out again with each of its messages."""
_Payload = dict[str, msgspec.Raw] | None


class ConnectionInit(msgspec.Struct, tag="connection_init"):
    """Asks for operations to be allowed; ``payload`` may hold a token."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag="ping"):
    """Is answered with a pong, at any time."""

    payload: _Payload = None


class Pong(msgspec.Struct, tag="pong"):
    """May come at any time, asked for or not."""

    payload: _Payload = None


class Subscribe(msgspec.Struct, tag="subscribe"):
    """Asks for an operation of any kind."""

    id: OperationId
    payload: GraphQLRequest


class Complete(msgspec.Struct, tag="complete"):
    """Ends an operation; one that ended already is passed over."""

    id: OperationId


Message = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class InvalidMessage(Exception):
    """A message has no form of the protocol; says why, for the client."""


def read_message(data: bytes) -> Message:
    """Return the message in ``data``; Malformed if there is none."""
    try:
        return decode_json(_decoder.decode, data)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"Invalid message: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidMessage("Invalid message: no JSON, or nested too deeply") from None


def authorization_of(payload: dict[str, Any] | None) -> str:
    """Return the ``Authorization`` of a ``connection_init``, in any case, of its payload or of ``headers`` in there.

    Empty if there is none; Malformed if it is no text.
    """
    given = payload or {}
    headers = given.get("headers")
    if headers is None:
        headers = {}
    elif not isinstance(headers, dict):
        raise InvalidMessage("Invalid message: expected `object` - at `$.payload.headers`")
    for name, value in (*given.items(), *headers.items()):
        if name.lower() == "authorization" and value is not None:
            if not isinstance(value, str):
                raise InvalidMessage("Invalid message: expected `str` as authorization")
            return value
    return ""
