"""Sessions of browsers (I3): the page keeps the access token in memory, and can't read the refresh token's cookie.

Against request forgery, cookies are ``SameSite=Strict``, requests of other origins are rejected, and a body has to be
JSON, which a form can't send.
"""

import re
from collections.abc import Mapping
from typing import Self

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.context import Requester
from gateway.errors import RequestError
from gateway.http.json_text import decode_json
from gateway.http.negotiation import JSON_EXPECTED, is_json
from gateway.http.origins import AllowedOrigins
from gateway.http.request_guard import RequestGuard
from gateway.http.resource import CHALLENGE, NO_STORE, resource
from gateway.settings import GatewaySettings
from services.chassis.http.server.endpoint import first_values
from services.chassis.runtime.settings import Environment
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Refusal

MAX_BODY = 10_000
_COST, _SIGN_IN_COST = 10, 100  # as in the schema: a password's hash takes long
_STATUS_BY_CODE = {"SIGN_IN_FAILED": 401, "SESSION_ENDED": 401, "TOO_MANY_ATTEMPTS": 429, "OVERLOADED": 503}
_TOKEN_FORMAT = re.compile(r"[\w.=-]{1,200}", re.ASCII)


class AuthCookie(msgspec.Struct, frozen=True):
    """A cookie with a token (RFC 6265, section 4.1), for the paths below ``/auth`` only."""

    name: str
    secure: bool

    @classmethod
    def for_settings(cls, settings: GatewaySettings, holds: str) -> Self:
        """Build the cookie for the environment.

        In production it is ``Secure``, with the prefix ``__Secure-`` (RFC 6265bis, section 4.1.3). Another host of the
        same domain can still set a cookie of this name for the whole domain, and so fix a visitor's session. Only
        ``__Host-`` prevents that, but it needs ``Path=/``, which would send the token with every request. The other
        hosts of the domain therefore have to be trusted.

        Outside production the gateway is at ``http://localhost``, where Safari rejects a ``Secure`` cookie, or at an IP
        address. Cookies are not isolated by port (RFC 6265, section 8.5), so the name has the port: two stacks of one
        machine don't overwrite each other's sessions.
        """
        if settings.env is Environment.PRODUCTION:
            return cls(f"__Secure-kierto-{holds}", secure=True)
        return cls(f"kierto-{holds}-{settings.listen.port}", secure=False)

    def set_cookie(self, token: str, seconds: int) -> str:
        """Return the value of ``Set-Cookie`` that stores a token."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={seconds}; Path=/auth; HttpOnly; SameSite=Strict{secure}"

    def clear_cookie(self) -> dict[str, str]:
        """Return the header that deletes the cookie."""
        return {"Set-Cookie": self.set_cookie("", 0)}


class _Credentials(msgspec.Struct):
    username: str
    password: str


class _SessionResponse(msgspec.Struct, rename="camel"):
    """The response to a page."""

    access_token: str
    """For ``Authorization: Bearer``."""
    expires_in: int
    """Seconds."""


_decode_credentials = msgspec.json.Decoder(_Credentials).decode


def session_routes(
    guard: RequestGuard, origins: AllowedOrigins, cookie: AuthCookie, device_cookie: AuthCookie
) -> list[Route]:
    """``POST`` and ``DELETE /auth/session`` begin and end a session, ``POST /auth/session/renew`` renews it.

    ``cookie`` has the session's refresh token. ``device_cookie`` has the token by which identity recognises the device
    at the next sign-in: it outlives the session.
    """

    async def begin_session(request: Request) -> Response:
        requester = _requester(request, _SIGN_IN_COST)
        if not is_json(request.headers.get("content-type", "").encode("latin-1")):
            raise RequestError(
                415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"}, expected=JSON_EXPECTED
            )
        try:
            credentials = decode_json(_decode_credentials, await guard.read_body(request, requester, MAX_BODY))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RequestError(400, "INVALID_REQUEST", expected='{"username": "…", "password": "…"}', path=[]) from None
        identity = requester.clients.identity
        return _session(await identity.sign_in(credentials.username, credentials.password, _device_token(request)))

    async def renew_session(request: Request) -> Response:
        identity = _requester(request).clients.identity
        token = request.cookies.get(cookie.name)
        if not token:
            raise RequestError(401, "UNAUTHENTICATED", CHALLENGE)
        return _session(await identity.refresh(token), error_headers=cookie.clear_cookie())

    async def end_session(request: Request) -> Response:
        identity = _requester(request).clients.identity
        token = request.cookies.get(cookie.name)
        if token:
            await identity.sign_out_with(token)
        return Response(status_code=204, headers=NO_STORE | cookie.clear_cookie())

    def _requester(request: Request, cost: int = _COST) -> Requester:
        """Return the anonymous requester of a page of an allowed origin."""
        origins.check(first_values(request.scope["headers"]))
        return guard.anonymous(request, cost)

    def _device_token(request: Request) -> str:
        """Return the token of the device's cookie; empty if it is malformed, for that must not prevent a sign-in."""
        token = request.cookies.get(device_cookie.name, "")
        return token if _TOKEN_FORMAT.fullmatch(token) else ""

    def _session(outcome: SignedIn | Refusal, error_headers: Mapping[str, str] | None = None) -> Response:
        if isinstance(outcome, Refusal):
            raise _request_error(outcome, error_headers or {})
        body = msgspec.json.encode(_SessionResponse(outcome.access_token, outcome.expires_in))
        response = Response(body, headers=NO_STORE, media_type="application/json")
        response.headers.append("Set-Cookie", cookie.set_cookie(outcome.refresh_token, outcome.refresh_expires_in))
        if (device := outcome.device) is not None:
            response.headers.append("Set-Cookie", device_cookie.set_cookie(device.token, device.expires_in))
        return response

    return [
        resource("/auth/session", POST=begin_session, DELETE=end_session),
        resource("/auth/session/renew", POST=renew_session),
    ]


def _request_error(refusal: Refusal, headers: Mapping[str, str]) -> RequestError:
    """Convert identity's refusal to a request error."""
    problem = refusal.problems[0]
    status = _STATUS_BY_CODE.get(problem.code, 400)
    if status == 401:
        headers = {**headers, **CHALLENGE}
    elif "seconds" in problem.params:
        headers = {**headers, "Retry-After": problem.params["seconds"]}
    return RequestError(status, problem.code, headers, **problem.params)
