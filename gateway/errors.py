"""Errors as clients see them: one form for all, a text in their language and ``extensions.code``.

What a service refused to do at all, or could not do now, is told, and so is why a request is not executed; what nobody
expected is masked with a trace id. Refusals of what a customer wants to do are no errors: they are members of results.
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
from services.contracts.identity import Language

_log = logger(__name__)

UNEXPECTED = "UNEXPECTED"
INVALID_REQUEST = "INVALID_REQUEST"

_CODE_BY_STATUS = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
_FORWARDED_CODES = (
    "BROKEN_OFF",
    "DEADLINE_EXCEEDED",
    "MALFORMED",
    "NOT_FOUND",
    "NOT_READY_YET",
    "TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "WRONG_FILE",
)
"""Codes of services that are passed on."""
_CODE_BY_EXCEPTION: dict[type[Exception], str] = {
    Unauthenticated: "UNAUTHENTICATED",
    Forbidden: "FORBIDDEN",
    NotReadyYet: "NOT_READY_YET",
}

MAX_ECHO_LENGTH = 200
"""Characters of what a client has sent that an error shows."""
MAX_MESSAGE_LENGTH = MAX_ECHO_LENGTH + 30
"""Around what it shows of a value a message has thirty characters at least; names are no longer than 200."""
_KEPT_PREFIX, _KEPT_SUFFIX = 150, 70

FormattedError = dict[str, Any]
"""An error as it is written (GraphQL specification, section 7.1.2)."""


class RequestError(Exception):
    """A request is not executed. ``status`` is HTTP's; ``params`` fill the text and stand in the error's extensions."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.params = params

    def count_and_log(self) -> None:
        """Count it, and log it: by its code alone, for what was asked may hold anything."""
        metrics.REQUESTS_REJECTED.labels(self.code).inc()
        log_buffered("refused", code=self.code)

    def formatted_errors(self, language: Language) -> list[FormattedError]:
        """The errors of the answer."""
        texts = {name: str(value) for name, value in self.params.items()}
        text = messages.text(self.code, language, texts)
        return [{"message": text, "extensions": {"code": self.code, **self.params}}]


class OperationError(RequestError):
    """The operation itself is at fault: its text, its variables, what it asks for.

    Who accepts nothing newer than ``application/json`` gets that with status 200 (GraphQL over HTTP, section 6.4.1).
    """


class InvalidOperation(OperationError):
    """What was found wrong with an operation's text or its variables, with places."""

    def __init__(self, errors: Sequence[GraphQLError], *, suggest: bool) -> None:
        super().__init__(400, INVALID_OPERATION)
        self.errors = errors
        self.suggest = suggest

    def formatted_errors(self, language: Language) -> list[FormattedError]:
        return [self._format(present_error(error, language, suggest=self.suggest), language) for error in self.errors]

    def _format(self, error: GraphQLError, language: Language) -> FormattedError:
        formatted: FormattedError = {**error.formatted}
        told = formatted["extensions"]
        if told["code"] == LIMIT_EXCEEDED:
            params = {name: str(value) for name, value in told.items()}
            formatted["message"] = messages.text(LIMIT_EXCEEDED, language, params)
        return formatted


_RETRY_SOON = {"Retry-After": "1"}


def to_request_error(error: Exception, challenge: Mapping[str, str]) -> RequestError:
    """The refusal that an exception stands for, counted; what nobody expected is logged and masked.

    ``challenge``: the header that every 401 has to have (RFC 9110, section 15.5.2).
    """
    refused = _convert(error, challenge)
    gc_tuning.clear_tracebacks(error)
    refused.count_and_log()
    return refused


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
            place = {"path": error.path} if error.path else {}
            headers = {401: challenge, 503: _RETRY_SOON}.get(error.status)
            return RequestError(error.status, code, headers, **error.params, **place)
    _log.error("unexpected", exc_info=error)
    return RequestError(500, UNEXPECTED, traceId=tracing.trace_id() or "")


class _ErrorResponse(msgspec.Struct):
    errors: list[FormattedError]


def encode_errors(errors: list[FormattedError]) -> bytes:
    """An answer that consists of errors, as JSON: without data, for nothing was executed."""
    return msgspec.json.encode(_ErrorResponse(errors))


def error_code(error: BaseException | None) -> str:
    """The code of what a resolver raised; UNEXPECTED if nobody expected it."""
    if isinstance(error, CallFailed):
        return error.code if error.code in _FORWARDED_CODES else _CODE_BY_STATUS.get(error.status, UNEXPECTED)
    return next((code for kind, code in _CODE_BY_EXCEPTION.items() if isinstance(error, kind)), UNEXPECTED)


def present_error(error: GraphQLError, language: Language, *, suggest: bool = True) -> GraphQLError:
    """The error as the client sees it; with what it suggests, if the client may know that."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        told = {"code": INVALID_OPERATION, **(error.extensions or {})}
        message = error.message if suggest else without_suggestions(error.message)
        return with_location_of(error, _shorten(message), error.path, extensions=told)
    code = error_code(cause)
    if code == UNEXPECTED:
        trace_id = tracing.trace_id() or ""
        text = messages.text(code, language, {"traceId": trace_id})
        return with_location_of(error, text, error.path, extensions={"code": code, "traceId": trace_id})
    extensions: dict[str, Any] = {"code": code}
    params: dict[str, str] = {}
    if isinstance(cause, CallFailed):
        params = cause.params
        if cause.path:
            extensions["path"] = cause.path
    return with_location_of(error, messages.text(code, language, params), error.path, extensions=extensions)


def _shorten(message: str) -> str:
    """Return a message of graphql-core's without the middle, if it says at length what the client has sent."""
    return message if len(message) <= MAX_MESSAGE_LENGTH else f"{message[:_KEPT_PREFIX]}…{message[-_KEPT_SUFFIX:]}"


class ErrorPresenter(MaskErrors):
    """Puts every error of a result into the form above, also those of each event of a subscription."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        language: Language = self.execution_context.context.language
        return present_error(error, language)
