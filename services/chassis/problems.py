"""Problem details for HTTP APIs (RFC 9457), and the exceptions that become them."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from services.chassis.telemetry import tracing


class MalformedInput(ValueError):
    """Input that violates the contract; ``path`` names the field.

    ``params`` fill the text that the gateway shows: the ``expected`` form, or the ``reason`` and its figures.
    """

    def __init__(self, *path: str, **params: str) -> None:
        details = ", ".join(f"{name} {value}" for name, value in params.items())
        super().__init__(f"{'.'.join(path) or 'the input'}: {details}")
        self.path = list(path)
        self.params = params


class Unauthenticated(Exception):
    """The request has no token, or an invalid or expired one."""


class Forbidden(Exception):
    """The caller has no permission for the operation."""


class NotReadyYet(Exception):
    """The service lacks data that is about to arrive; the same call will succeed a little later."""


class ReadAnew(Exception):
    """The token of an earlier look at a list can't say any more what has changed since then."""


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, section 3.1, with the extensions ``code``, ``path``, ``params`` and ``traceId``."""

    type: str = "about:blank"
    status: int
    title: str
    code: str
    detail: str = ""
    path: list[str] = []
    params: dict[str, str] = {}
    trace_id: str = msgspec.field(default="", name="traceId")


def problem_response(
    status: int, title: str, code: str, headers: Mapping[str, str] | None = None, **extra: object
) -> Response:
    """Return an ``application/problem+json`` response."""
    details = msgspec.convert(
        {"status": status, "title": title, "code": code, "traceId": tracing.trace_id() or "", **extra}, ProblemDetails
    )
    return Response(msgspec.json.encode(details), status, headers, "application/problem+json")
