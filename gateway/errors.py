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
from gateway.execution.limits import LIMIT_EXCEEDED
from gateway.execution.located import at_place_of
from gateway.execution.reading import INVALID_OPERATION
from gateway.execution.suggestions import without_suggestions
from services.chassis import garbage, metrics, tracing
from services.chassis.logging import logger, often
from services.chassis.problems import Forbidden, NotReadyYet, Unauthenticated
from services.chassis.rpc.service import CallFailed
from services.contracts.identity import Language

_log = logger(__name__)

UNEXPECTED = "UNEXPECTED"
INVALID_REQUEST = "INVALID_REQUEST"

_BY_STATUS = {401: "UNAUTHENTICATED", 403: "FORBIDDEN", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
_TOLD = (
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
_BY_EXCEPTION: dict[type[Exception], str] = {
    Unauthenticated: "UNAUTHENTICATED",
    Forbidden: "FORBIDDEN",
    NotReadyYet: "NOT_READY_YET",
}

LONGEST_ECHO = 200
"""Characters of what a client has sent that an error shows."""
LONGEST_MESSAGE = LONGEST_ECHO + 30
"""Around what it shows of a value a message has thirty characters at least; names are no longer than 200."""
_BEGINNING, _END = 150, 70

Shown = dict[str, Any]
"""An error as it is written (GraphQL specification, section 7.1.2)."""


class Refused(Exception):
    """A request is not executed. ``status`` is HTTP's; ``params`` fill the text and stand in the error's extensions."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, **params: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.params = params

    def note(self) -> None:
        """Count it, and log it: by its code alone, for what was asked may hold anything."""
        metrics.REFUSED.labels(self.code).inc()
        often("refused", code=self.code)

    def shown(self, language: Language) -> list[Shown]:
        """The errors of the answer."""
        texts = {name: str(value) for name, value in self.params.items()}
        text = messages.text(self.code, language, texts)
        return [{"message": text, "extensions": {"code": self.code, **self.params}}]


class RefusedOperation(Refused):
    """The operation itself is at fault: its text, its variables, what it asks for.

    Who accepts nothing newer than ``application/json`` gets that with status 200 (GraphQL over HTTP, section 6.4.1).
    """


class Invalid(RefusedOperation):
    """What was found wrong with an operation's text or its variables, with places."""

    def __init__(self, errors: Sequence[GraphQLError], *, suggest: bool) -> None:
        super().__init__(400, INVALID_OPERATION)
        self.errors = errors
        self.suggest = suggest

    def shown(self, language: Language) -> list[Shown]:
        return [self._formatted(shown(error, language, suggest=self.suggest), language) for error in self.errors]

    def _formatted(self, error: GraphQLError, language: Language) -> Shown:
        formatted: Shown = {**error.formatted}
        told = formatted["extensions"]
        if told["code"] == LIMIT_EXCEEDED:
            params = {name: str(value) for name, value in told.items()}
            formatted["message"] = messages.text(LIMIT_EXCEEDED, language, params)
        return formatted


_SOON = {"Retry-After": "1"}


def refusal(error: Exception, challenge: Mapping[str, str]) -> Refused:
    """The refusal that an exception stands for, counted; what nobody expected is logged and masked.

    ``challenge``: the header that every 401 has to have (RFC 9110, section 15.5.2).
    """
    refused = _refusal(error, challenge)
    garbage.release(error)
    refused.note()
    return refused


def _refusal(error: Exception, challenge: Mapping[str, str]) -> Refused:
    match error:
        case Refused():
            return error
        case Unauthenticated():
            return Refused(401, "UNAUTHENTICATED", challenge)
        case Forbidden():
            return Refused(403, "FORBIDDEN")
        case NotReadyYet():
            return Refused(503, "NOT_READY_YET", _SOON)
        case CallFailed() if (code := code_of(error)) != UNEXPECTED:
            place = {"path": error.path} if error.path else {}
            headers = {401: challenge, 503: _SOON}.get(error.status)
            return Refused(error.status, code, headers, **error.params, **place)
    _log.error("unexpected", exc_info=error)
    return Refused(500, UNEXPECTED, traceId=tracing.trace_id() or "")


class _Answer(msgspec.Struct):
    errors: list[Shown]


def answer_of(errors: list[Shown]) -> bytes:
    """An answer that consists of errors, as JSON: without data, for nothing was executed."""
    return msgspec.json.encode(_Answer(errors))


def code_of(error: BaseException | None) -> str:
    """The code of what a resolver raised; UNEXPECTED if nobody expected it."""
    if isinstance(error, CallFailed):
        return error.code if error.code in _TOLD else _BY_STATUS.get(error.status, UNEXPECTED)
    return next((code for kind, code in _BY_EXCEPTION.items() if isinstance(error, kind)), UNEXPECTED)


def shown(error: GraphQLError, language: Language, *, suggest: bool = True) -> GraphQLError:
    """The error as the client sees it; with what it suggests, if the client may know that."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        told = {"code": INVALID_OPERATION, **(error.extensions or {})}
        message = error.message if suggest else without_suggestions(error.message)
        return at_place_of(error, _cut(message), error.path, extensions=told)
    code = code_of(cause)
    if code == UNEXPECTED:
        trace_id = tracing.trace_id() or ""
        text = messages.text(code, language, {"traceId": trace_id})
        return at_place_of(error, text, error.path, extensions={"code": code, "traceId": trace_id})
    extensions: dict[str, Any] = {"code": code}
    params: dict[str, str] = {}
    if isinstance(cause, CallFailed):
        params = cause.params
        if cause.path:
            extensions["path"] = cause.path
    return at_place_of(error, messages.text(code, language, params), error.path, extensions=extensions)


def _cut(message: str) -> str:
    """Return a message of graphql-core's without the middle, if it says at length what the client has sent."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:_BEGINNING]}…{message[-_END:]}"


class ShowErrors(MaskErrors):
    """Puts every error of a result into the form above, also those of each event of a subscription."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        language: Language = self.execution_context.context.language
        return shown(error, language)
