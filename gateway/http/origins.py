"""Cross-origin requests: only pages of allowed origins may send requests.

A browser sends some requests without a preflight. These carry ``Origin`` or a cross-site ``Sec-Fetch-Site``, by which
they are rejected. All others need a preflight, which succeeds for the allowed origins only (the Fetch standard's CORS
protocol). Programs other than browsers send neither field, and no cookie that could be misused.
"""

from collections.abc import Mapping, Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin, normalize_allowed_origins

from gateway.errors import RequestError
from services.chassis.runtime.settings import InvalidSettings

_CROSS_ORIGIN_SITES = (b"cross-site", b"same-site")
_ALLOWED_HEADERS = ["Authorization", "Content-Type", "If-None-Match", "traceparent"]
_EXPOSED_HEADERS = ["ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Trace-Id", "Content-Disposition"]


class AllowedOrigins:
    """The origins (``https://host``) that are allowed beside the gateway's own; InvalidSettings if one is malformed."""

    def __init__(self, allowed: Sequence[str]) -> None:
        try:
            self.allowed = sorted(normalize_allowed_origins(allowed))
        except ValueError as error:
            raise InvalidSettings(f"allowed origins: {error}") from None
        if "*" in self.allowed:
            raise InvalidSettings("allowed origins: name those whose pages may ask, not all")

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Reject a page of another origin, as RequestError (CROSS_ORIGIN)."""
        origin = headers.get(b"origin")
        if origin is None:
            if headers.get(b"sec-fetch-site") in _CROSS_ORIGIN_SITES:
                raise RequestError(403, "CROSS_ORIGIN")
        elif not self._allows(origin.decode("latin-1"), headers.get(b"host", b"").decode("latin-1")):
            raise RequestError(403, "CROSS_ORIGIN")

    def with_preflights(self, app: ASGIApp) -> ASGIApp:
        """Wrap an application to answer CORS preflights."""
        if not self.allowed:
            return app
        preflights = CORSMiddleware(
            app, allow_origins=self.allowed, allow_methods=["GET", "POST"], allow_headers=_ALLOWED_HEADERS
        )

        async def route(scope: Scope, receive: Receive, send: Send) -> None:
            await (preflights if _is_preflight(scope) else app)(scope, receive, send)

        return route

    def cors_fields(self, headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        """Return the CORS fields of a response."""
        if not self.allowed:
            return []
        fields, origin = [(b"vary", b"Origin")], headers.get(b"origin")
        if origin is not None:
            fields.append((b"access-control-expose-headers", ", ".join(_EXPOSED_HEADERS).encode()))
            if origin.decode("latin-1") in self.allowed:
                fields.append((b"access-control-allow-origin", origin))
        return fields

    def _allows(self, origin: str, host: str) -> bool:
        return origin in self.allowed or is_same_origin(origin, host)


def _is_preflight(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    names = {name for name, _ in scope["headers"]}
    return b"origin" in names and b"access-control-request-method" in names
