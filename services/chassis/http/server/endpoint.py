"""Requests that the server hands to their endpoint directly, and whose answer it writes: without ASGI.

ASGI's scope and messages, and the framework's way to a route, take as long as a small operation. An endpoint for which
that matters is named to the server with its target. It gets requests that came whole; all others reach it by ASGI.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import NamedTuple, Protocol

from starlette.types import Scope

HeaderField = tuple[bytes, bytes]
"""A header field: its name in lower case, and its value."""


class EndpointRequest(NamedTuple):
    """The head of a request: its header fields in their order, and the first value of each name in ``fields``.

    ``query`` is its target's, ``peer`` the other end of the connection.
    """

    method: str
    query: bytes
    headers: Sequence[HeaderField]
    fields: Mapping[bytes, bytes]
    peer: tuple[str, int] | None


class EndpointResponse(NamedTuple):
    """An answer: its fields are the application's own, never a client's words, and don't say how it is framed."""

    status: int
    fields: list[HeaderField]
    body: bytes


class Endpoint(Protocol):
    """Answers requests for one target."""

    def answer(self, request: EndpointRequest, body: bytes) -> Awaitable[EndpointResponse]:
        """Return the answer to a request. It never fails."""
        ...


def first_values(headers: Sequence[HeaderField]) -> dict[bytes, bytes]:
    """Return the fields by name; of one that comes twice the first counts."""
    return dict(reversed(headers))


def request_from_scope(scope: Scope) -> EndpointRequest:
    """Return the head of a request that came by ASGI."""
    headers = scope["headers"]
    return EndpointRequest(scope["method"], scope["query_string"], headers, first_values(headers), scope["client"])
