"""Errors as clients see them: a message in their language and ``extensions.code``.

Errors of requests and the expected errors of services are presented; unexpected ones are masked with a trace id. A
refusal that the domain expects is no error: it is a member of a result.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from gateway import messages
from gateway.execution.limits.operation_limits import LIMIT_EXCEEDED
from gateway.execution.limits.suggestions import without_suggestions
from gateway.execution.limits.validation import INVALID_OPERATION
from gateway.execution.state.error_locations import with_location_of
from services.chassis.problems import Forbidden, NotReadyYet, Unauthenticated
from services.chassis.rpc.channel import CallFailed
from services.chassis.runtime import gc_tuning
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import log_buffered, logger
from services.contracts.identity.people import Language

_log = logger(__name__)

UNEXPECTED = "UNEXPECTED"
INVALID_REQUEST = "INVALID_REQUEST"

_CODE_BY_STATUS = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
_FORWARDED_CODES = (
    "BROKEN_OFF",
    "DEADLINE_EXCEEDED",
    "INVALID_LINK",
    "MALFORMED",
    "NOT_FOUND",
    "NOT_READY_YET",
    "READ_ANEW",
    "TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "WRONG_FILE",
)
"""The codes of services that clients see."""
_CODE_BY_EXCEPTION: dict[type[Exception], str] = {
    Unauthenticated: "UNAUTHENTICATED",
    Forbidden: "FORBIDDEN",
    NotReadyYet: "NOT_READY_YET",
}

MAX_ECHO_LENGTH = 200
"""Characters of a client's input that a message may quote."""
MAX_MESSAGE_LENGTH = MAX_ECHO_LENGTH + 30
"""A message has at least thirty characters around the value that it quotes; names have at most 200."""
_KEPT_PREFIX, _KEPT_SUFFIX = 150, 70

FormattedError = dict[str, Any]
"""An error in a response (GraphQL specification, section 7.1.2)."""


class RequestError(Exception):
    """An error that prevents a request's execution (GraphQL specification, section 7.1.2: request error).

    ``status`` is HTTP's; ``params`` fill the message and are members of ``extensions``.
    """

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.params = params

    def count_and_log(self) -> None:
        """Count and log the error by its code alone: the request may hold anything."""
        metrics.REQUESTS_REJECTED.labels(self.code).inc()
        log_buffered("request error", code=self.code)

    def formatted_errors(self, language: Language) -> list[FormattedError]:
        """Return the errors of the response."""
        texts = {name: str(value) for name, value in self.params.items()}
        text = messages.text(self.code, language, texts)
        return [{"message": text, "extensions": {"code": self.code, **self.params}}]


class OperationError(RequestError):
    """An error of the operation: its document, its variables or its selection.

    A client that accepts only ``application/json`` gets it with status 200 (GraphQL over HTTP, section 6.4.1).
    """


class InvalidOperation(OperationError):
    """The validation errors of a document or its variables, with locations."""

    def __init__(self, errors: Sequence[GraphQLError], *, suggest: bool) -> None:
        super().__init__(400, INVALID_OPERATION)
        self.errors = errors
        self.suggest = suggest

    def formatted_errors(self, language: Language) -> list[FormattedError]:
        return [self._format(present_error(error, language, suggest=self.suggest), language) for error in self.errors]

    def _format(self, error: GraphQLError, language: Language) -> FormattedError:
        formatted: FormattedError = {**error.formatted}
        extensions = formatted["extensions"]
        if extensions["code"] == LIMIT_EXCEEDED:
            params = {name: str(value) for name, value in extensions.items()}
            formatted["message"] = messages.text(LIMIT_EXCEEDED, language, params)
        return formatted


_RETRY_SOON = {"Retry-After": "1"}


def to_request_error(error: Exception, challenge: Mapping[str, str]) -> RequestError:
    """Convert an exception to a request error and count it; an unexpected one is logged and masked.

    ``challenge`` is the header that every 401 needs (RFC 9110, section 15.5.2).
    """
    request_error = _convert(error, challenge)
    gc_tuning.clear_tracebacks(error)
    request_error.count_and_log()
    return request_error


def _convert(error: Exception, challenge: Mapping[str, str]) -> RequestError:
    match error:
        case RequestError():
            return error
        case Unauthenticated():
            return RequestError(401, "UNAUTHENTICATED", challenge)
        case Forbidden():
            return RequestError(403, "FORBIDDEN")
        case NotReadyYet():
            return RequestError(503, "NOT_READY_YET", _RETRY_SOON)
        case CallFailed() if (code := error_code(error)) != UNEXPECTED:
            path = {"path": error.path} if error.path else {}
            headers = {401: challenge, 503: _RETRY_SOON}.get(error.status)
            return RequestError(error.status, code, headers, **error.params, **path)
    _log.error("unexpected", exc_info=error)
    return RequestError(500, UNEXPECTED, traceId=tracing.trace_id() or "")


class _ErrorResponse(msgspec.Struct):
    errors: list[FormattedError]


def encode_errors(errors: list[FormattedError]) -> bytes:
    """Encode a response of request errors: it has no member ``data``."""
    return msgspec.json.encode(_ErrorResponse(errors))


def error_code(error: BaseException | None) -> str:
    """Return the code of an exception of a resolver; UNEXPECTED if it has none."""
    if isinstance(error, CallFailed):
        return error.code if error.code in _FORWARDED_CODES else _CODE_BY_STATUS.get(error.status, UNEXPECTED)
    return next((code for kind, code in _CODE_BY_EXCEPTION.items() if isinstance(error, kind)), UNEXPECTED)


def present_error(error: GraphQLError, language: Language, *, suggest: bool = True) -> GraphQLError:
    """Return an error as the client sees it; with ``suggest``, "did you mean ..." stays in its message."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        message = error.message if suggest else without_suggestions(error.message)
        extensions = {"code": INVALID_OPERATION, **(error.extensions or {})}
        return with_location_of(error, _shorten(message), error.path, extensions=extensions)
    code = error_code(cause)
    if code == UNEXPECTED:
        trace_id = tracing.trace_id() or ""
        text = messages.text(code, language, {"traceId": trace_id})
        return with_location_of(error, text, error.path, extensions={"code": code, "traceId": trace_id})
    extensions = {"code": code}
    params: dict[str, str] = {}
    if isinstance(cause, CallFailed):
        params = cause.params
        # As those of a Problem.
        extensions |= {name: value for name, value in (("path", cause.path), ("params", params)) if value}
    return with_location_of(error, messages.text(code, language, params), error.path, extensions=extensions)


def _shorten(message: str) -> str:
    """Cut the middle out of a message of graphql-core that quotes a long input."""
    return message if len(message) <= MAX_MESSAGE_LENGTH else f"{message[:_KEPT_PREFIX]}…{message[-_KEPT_SUFFIX:]}"


class ErrorPresenter(MaskErrors):
    """The extension that presents the errors of every result, each event of a subscription included."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        language: Language = self.execution_context.context.language
        return present_error(error, language)
