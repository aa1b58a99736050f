"""Signing in from a browser (I3): the access token is for the page's memory, the refresh token a cookie it can't read.

What a page of another site sends carries no cookie (``SameSite=Strict``); what one of another origin sends is refused
all the same, and a body has to be JSON, which no form can send.
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
from services.contracts.identity import SignedIn
from services.contracts.values import Refusal

MAX_BODY = 10_000
_COST, _SIGN_IN_COST = 10, 100  # as in the graph: to check a password takes long
_STATUS_BY_CODE = {"SIGN_IN_FAILED": 401, "SESSION_ENDED": 401, "TOO_MANY_ATTEMPTS": 429, "OVERLOADED": 503}
_TOKEN_FORMAT = re.compile(r"[\w.=-]{1,200}", re.ASCII)


class AuthCookie(msgspec.Struct, frozen=True):
    """A cookie with a token (RFC 6265, section 4.1), for the addresses below ``/auth`` alone."""

    name: str
    secure: bool

    @classmethod
    def for_settings(cls, settings: GatewaySettings, holds: str) -> Self:
        """In production it travels over TLS only, and its name says that it was set over TLS (RFC 6265bis, 4.1.3).

        The name does not say by whom. A page of another host below the same domain may set a cookie of this name for
        the whole domain, and so have a visitor go on with the session of whom it likes. Only ``__Host-`` prevents
        that, and it wants ``Path=/``: the token would travel with every request, where it now travels to ``/auth``
        alone. So the hosts beside the gateway's have to be trusted.

        Else the gateway is at ``http://localhost``, where Chromium and Firefox would take such a cookie but Safari does
        not, or at a bare address for a telephone. Cookies know no ports (RFC 6265, section 8.5): the port in the name
        keeps two stacks of one machine from ending each other's sessions.
        """
        if settings.env is Environment.PRODUCTION:
            return cls(f"__Secure-kierto-{holds}", secure=True)
        return cls(f"kierto-{holds}-{settings.listen.port}", secure=False)

    def set_cookie(self, token: str, seconds: int) -> str:
        """The value of ``Set-Cookie`` that has a browser keep a token for so long."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={seconds}; Path=/auth; HttpOnly; SameSite=Strict{secure}"

    def clear_cookie(self) -> dict[str, str]:
        """The header that has a browser forget it."""
        return {"Set-Cookie": self.set_cookie("", 0)}


class _Credentials(msgspec.Struct):
    username: str
    password: str


class _SessionResponse(msgspec.Struct, rename="camel"):
    """What the page gets: the token for ``Authorization: Bearer``, and for how many seconds it is valid."""

    access_token: str
    expires_in: int


_decode_credentials = msgspec.json.Decoder(_Credentials).decode


def session_routes(
    entrance: RequestGuard, origins: AllowedOrigins, cookie: AuthCookie, device_cookie: AuthCookie
) -> list[Route]:
    """``POST`` and ``DELETE /auth/session`` begin and end a session, ``POST /auth/session/renew`` goes on with it.

    ``cookie`` holds the session's refresh token. ``device_cookie`` holds what identity knows the device by when it
    signs in again, so it outlives the session.
    """

    async def begin_session(request: Request) -> Response:
        asker = _asker(request, _SIGN_IN_COST)
        if not is_json(request.headers.get("content-type", "").encode("latin-1")):
            raise RequestError(
                415, "UNSUPPORTED_MEDIA_TYPE", {"Accept-Post": "application/json"}, expected=JSON_EXPECTED
            )
        try:
            given = decode_json(_decode_credentials, await entrance.read_body(request, asker, MAX_BODY))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise RequestError(400, "INVALID_REQUEST", expected='{"username": "…", "password": "…"}', path=[]) from None
        identity = asker.clients.identity
        return _session(await identity.sign_in(given.username, given.password, _device_token(request)))

    async def renew_session(request: Request) -> Response:
        identity = _asker(request).clients.identity
        token = request.cookies.get(cookie.name)
        if not token:
            raise RequestError(401, "UNAUTHENTICATED", CHALLENGE)
        return _session(await identity.refresh(token), otherwise=cookie.clear_cookie())

    async def end_session(request: Request) -> Response:
        identity = _asker(request).clients.identity
        token = request.cookies.get(cookie.name)
        if token:
            await identity.sign_out_with(token)
        return Response(status_code=204, headers=NO_STORE | cookie.clear_cookie())

    def _asker(request: Request, cost: int = _COST) -> Requester:
        """A page that may ask. Who that is, is what identity is asked."""
        origins.check(first_values(request.scope["headers"]))
        return entrance.anonymous(request, cost)

    def _device_token(request: Request) -> str:
        """The token in the device's cookie; none where it can't be one, for that must keep nobody from signing in."""
        token = request.cookies.get(device_cookie.name, "")
        return token if _TOKEN_FORMAT.fullmatch(token) else ""

    def _session(answer: SignedIn | Refusal, otherwise: Mapping[str, str] | None = None) -> Response:
        if isinstance(answer, Refusal):
            raise _request_error(answer, otherwise or {})
        body = msgspec.json.encode(_SessionResponse(answer.access_token, answer.expires_in))
        response = Response(body, headers=NO_STORE, media_type="application/json")
        response.headers.append("Set-Cookie", cookie.set_cookie(answer.refresh_token, answer.refresh_expires_in))
        if answer.device is not None:
            response.headers.append(
                "Set-Cookie", device_cookie.set_cookie(answer.device.token, answer.device.expires_in)
            )
        return response

    return [
        resource("/auth/session", POST=begin_session, DELETE=end_session),
        resource("/auth/session/renew", POST=renew_session),
    ]


def _request_error(refusal: Refusal, headers: Mapping[str, str]) -> RequestError:
    """Identity's "no", as HTTP says it."""
    problem = refusal.problems[0]
    status = _STATUS_BY_CODE.get(problem.code, 400)
    if status == 401:
        headers = {**headers, **CHALLENGE}
    elif "seconds" in problem.params:
        headers = {**headers, "Retry-After": problem.params["seconds"]}
    return RequestError(status, problem.code, headers, **problem.params)
