"""Errors as clients see them: a text in their language, and ``extensions.code``.

What a service refused to do at all, or could not do now, is told; what nobody expected is masked with a trace id.
Refusals are no errors: they are members of results.
"""

from typing import Any

from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from gateway import messages
from services.chassis import tracing
from services.chassis.problems import Forbidden, NotReadyYet, Unauthenticated
from services.chassis.rpc.service import CallFailed
from services.contracts.identity import Language

UNEXPECTED = "UNEXPECTED"
INVALID_OPERATION = "INVALID_OPERATION"

_BY_STATUS = {400: "MALFORMED", 401: "UNAUTHENTICATED", 403: "FORBIDDEN", 503: "UNAVAILABLE", 504: "UNAVAILABLE"}
_BY_EXCEPTION: dict[type[Exception], str] = {
    Unauthenticated: "UNAUTHENTICATED",
    Forbidden: "FORBIDDEN",
    NotReadyYet: "NOT_READY_YET",
}


def code_of(error: BaseException | None) -> str:
    """The code of what a resolver raised; UNEXPECTED if nobody expected it."""
    if isinstance(error, CallFailed):
        return "NOT_READY_YET" if error.code == "NOT_READY_YET" else _BY_STATUS.get(error.status, UNEXPECTED)
    return next((code for kind, code in _BY_EXCEPTION.items() if isinstance(error, kind)), UNEXPECTED)


def shown(error: GraphQLError, language: Language) -> GraphQLError:
    """The error as the client sees it."""
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return _same_place(error, error.message, {"code": INVALID_OPERATION, **(error.extensions or {})})
    code = code_of(cause)
    if code == UNEXPECTED:
        return _same_place(error, "Unexpected error", {"code": code, "traceId": tracing.trace_id() or ""})
    extensions: dict[str, Any] = {"code": code}
    params: dict[str, str] = {}
    if isinstance(cause, CallFailed):
        params = cause.params
        if cause.path:
            extensions["path"] = cause.path
    return _same_place(error, messages.text(code, language, params), extensions)


def _same_place(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message, error.nodes, error.source, error.positions, error.path, original_error=None, extensions=extensions
    )


class ShowErrors(MaskErrors):
    """Puts every error of a result into the form above, also those of each event of a subscription."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        language: Language = self.execution_context.context.language
        return shown(error, language)
