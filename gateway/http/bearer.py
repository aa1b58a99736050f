"""The caller of an HTTP request."""

from starlette.requests import HTTPConnection

from gateway.access import Access, Caller
from services.chassis.problems import Unauthenticated


async def caller_of(request: HTTPConnection, access: Access) -> Caller | None:
    """The caller; None for a stranger; Unauthenticated for a token that is not valid (any more)."""
    return await caller_with(request.headers.get("authorization", ""), access)


async def caller_with(authorization: str, access: Access) -> Caller | None:
    """The caller with this value of ``Authorization`` (RFC 6750, section 2.1); see ``caller_of``."""
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated
    return await access.caller(token.strip())
