"""Endpoints that the server calls directly, without ASGI.

ASGI's scope and messages, and the framework's routing, take as long as a small operation. A server calls such an
endpoint for requests of its target that arrive complete; all other requests reach the same endpoint through ASGI.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

from starlette.types import Scope

HeaderField = tuple[bytes, bytes]
"""A header field: its name in lower case, and its value."""


class EndpointRequest(NamedTuple):
    """The head of a request."""

    method: str
    query: bytes
    """The query of its target."""
    headers: Sequence[HeaderField]
    """Its header fields in their order."""
    fields: Mapping[bytes, bytes]
    """The first value of each header field."""
    peer: tuple[str, int] | None
    """The remote address of the connection."""


class EndpointResponse(NamedTuple):
    """A response with its whole body."""

    status: int
    fields: list[HeaderField]
    """Header fields of the application, without a client's input and without framing (Content-Length)."""
    body: bytes


class Endpoint(Protocol):
    """Handler of the requests for one target."""

    def answer(self, request: EndpointRequest, body: bytes) -> Awaitable[EndpointResponse]:
        """Return the response to a request. It never raises."""
        ...


def first_values(headers: Sequence[HeaderField]) -> dict[bytes, bytes]:
    """Return the first value of each header field by name."""
    return dict(reversed(headers))


def request_from_scope(scope: Scope) -> EndpointRequest:
    """Return the head of a request from its ASGI scope."""
    headers = scope["headers"]
    return EndpointRequest(scope["method"], scope["query_string"], headers, first_values(headers), scope["client"])
