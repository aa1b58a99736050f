"""The graphql-transport-ws protocol: the messages of clients, and the close codes.

The protocol is https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. An invalid message closes the socket.
Unknown members are ignored.
"""

from typing import Annotated, Any

import msgspec

from gateway.admission import GraphQLRequest
from gateway.http.json_text import decode_json

SUBPROTOCOL = "graphql-transport-ws"

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
"""Of an open socket, too, when its caller's access ends."""
NOT_ACCEPTABLE = 4406
INIT_TIMEOUT = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY_REQUESTS = 4429

OperationId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""The id is repeated in each message of the operation, so its length is limited."""
_Payload = dict[str, msgspec.Raw] | None


class ConnectionInit(msgspec.Struct, tag="connection_init"):
    """Initialises the connection; ``payload`` may have a token."""

    payload: dict[str, Any] | None = None


class Ping(msgspec.Struct, tag="ping"):
    """Requests a pong."""

    payload: _Payload = None


class Pong(msgspec.Struct, tag="pong"):
    """Answers a ping, or is sent unsolicited."""

    payload: _Payload = None


class Subscribe(msgspec.Struct, tag="subscribe"):
    """Requests an operation of any type."""

    id: OperationId
    payload: GraphQLRequest


class Complete(msgspec.Struct, tag="complete"):
    """Ends an operation; ignored if it has ended."""

    id: OperationId


Message = ConnectionInit | Ping | Pong | Subscribe | Complete

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class InvalidMessage(Exception):
    """A message is invalid; the text is the reason, for the client."""


def read_message(data: bytes) -> Message:
    """Decode a message; raises InvalidMessage."""
    try:
        return decode_json(_decoder.decode, data)
    except msgspec.ValidationError as error:
        raise InvalidMessage(f"Invalid message: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidMessage("Invalid message: no JSON, or nested too deeply") from None


def authorization_of(payload: dict[str, Any] | None) -> str:
    """Return the ``Authorization``, in any case, of a payload or of its ``headers``.

    Empty if there is none; InvalidMessage if it is no text.
    """
    members = payload or {}
    headers = members.get("headers")
    if headers is None:
        headers = {}
    elif not isinstance(headers, dict):
        raise InvalidMessage("Invalid message: expected `object` - at `$.payload.headers`")
    for name, value in (*members.items(), *headers.items()):
        if name.lower() == "authorization" and value is not None:
            if not isinstance(value, str):
                raise InvalidMessage("Invalid message: expected `str` as authorization")
            return value
    return ""
