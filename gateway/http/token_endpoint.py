"""The token endpoint (RFC 6749, sections 3.2 and 4.4): the client credentials grant, for partners."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.context import Requester
from gateway.errors import RequestError
from gateway.http.request_guard import RequestGuard
from gateway.rate_limit.limiter import RateLimited
from services.chassis.rpc.channel import CallFailed
from services.chassis.rpc.server import instrumented
from services.contracts.values import Refusal

MAX_BODY = 10_000
_COST = 100
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # section 5.1


class _TokenError(Exception):
    """An error response of section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


def token_route(guard: RequestGuard) -> Route:
    """``POST /auth/token``, form-encoded, with credentials by Basic authentication or in the body."""

    async def token(request: Request) -> Response:
        try:
            requester = guard.anonymous(request, _COST)
            form = await _read_form(request, guard, requester)
            if form.get("grant_type") != "client_credentials":
                code = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
                raise _TokenError(code, "grant_type must be client_credentials")
            client_id, secret = _credentials(request, form)
            if client_id.startswith("service:"):
                raise _TokenError("invalid_client", "unknown client", 401)  # services call identity directly
            issued = await requester.clients.identity.client_token(client_id, secret, form.get("scope", ""))
        except _TokenError as error:
            return _error_response(request, error.error, str(error), error.status)
        except RateLimited as error:
            error.count_and_log()
            return _error_response(request, "temporarily_unavailable", "too much in a short time", 429, error.headers)
        except CallFailed as failure:
            if failure.status == 400:
                return _error_response(request, "invalid_request", failure.params.get("expected", ""), 400)
            return _error_response(request, "temporarily_unavailable", "try again in a moment", 503)
        if isinstance(issued, Refusal):
            return _refusal_response(request, issued)
        body = {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scope,
        }
        return Response(msgspec.json.encode(body), 200, _NO_STORE, "application/json")

    return Route("/auth/token", instrumented("clientToken", token), methods=["POST"])


async def _read_form(request: Request, guard: RequestGuard, requester: Requester) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise _TokenError("invalid_request", "expected application/x-www-form-urlencoded")
    try:
        body = await guard.read_body(request, requester, MAX_BODY)
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body))
    except RateLimited:
        raise
    except RequestError as error:
        raise _TokenError("invalid_request", f"at most {MAX_BODY} bytes, without delay", error.status) from None
    except ValueError:
        raise _TokenError("invalid_request", "the form is malformed") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _TokenError("invalid_request", "a parameter is given twice")  # section 3.2
    return form


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Return the client's id and secret, by exactly one method of section 2.3.1."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if not encoded:
        if "client_id" not in form or "client_secret" not in form:
            raise _TokenError("invalid_client", "the client's credentials are missing", 401)
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise _TokenError("invalid_request", "credentials are given in two ways")
    try:
        name, separator, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        name = separator = secret = ""
    if scheme.lower() != "basic" or not separator:
        raise _TokenError("invalid_client", "expected Basic authentication", 401)
    return unquote_plus(name), unquote_plus(secret)


def _refusal_response(request: Request, refusal: Refusal) -> Response:
    problem = refusal.problems[0]
    if problem.code == "TOO_MANY_ATTEMPTS":
        after = {"Retry-After": problem.params.get("seconds", "60")}
        return _error_response(request, "temporarily_unavailable", "too many attempts", 429, after)
    if problem.code == "MALFORMED":
        return _error_response(request, "invalid_request", f"{'.'.join(problem.path)} is malformed", 400)
    if problem.code == "INVALID_SCOPE":
        return _error_response(request, "invalid_scope", "not among the client's scopes", 400)
    return _error_response(request, "invalid_client", "unknown client, or wrong secret", 401)


def _error_response(
    request: Request, error: str, description: str, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Build the error response of section 5.2, with a challenge if the client used ``Authorization``."""
    headers = {**_NO_STORE, **(headers or {})}
    if status == 401 and "authorization" in request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="kierto"'
    body = {"error": error, "error_description": description}
    return Response(msgspec.json.encode(body), status, headers, "application/json")
