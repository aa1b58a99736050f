"""What goes wrong over HTTP, as RFC 9457 problem details: for callers, not for people."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from services.chassis.telemetry import tracing


class MalformedInput(ValueError):
    """Input that no client with the contract in its hand would send; ``path`` names the field.

    ``params`` fill the text that the gateway shows: what was ``expected``, or the ``reason`` and its figures.
    """

    def __init__(self, *path: str, **params: str) -> None:
        told = ", ".join(f"{name} {value}" for name, value in params.items())
        super().__init__(f"{'.'.join(path) or 'the input'}: {told}")
        self.path = list(path)
        self.params = params


class Unauthenticated(Exception):
    """No token, or one that is not valid (any more)."""


class Forbidden(Exception):
    """The caller may not do this kind of thing at all."""


class NotReadyYet(Exception):
    """The answer depends on what is still on its way here; the same call will succeed a little later."""


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
    """A problem+json response."""
    details = msgspec.convert(
        {"status": status, "title": title, "code": code, "traceId": tracing.trace_id() or "", **extra}, ProblemDetails
    )
    return Response(msgspec.json.encode(details), status, headers, "application/problem+json")
