"""The caller of an HTTP request."""

from starlette.requests import HTTPConnection

from gateway.access import Access, Caller


async def caller_of(request: HTTPConnection, access: Access) -> Caller | None:
    """The caller; None for a stranger; Unauthenticated for a token that is not valid (any more)."""
    return await access.caller_with(request.headers.get("authorization", ""))
