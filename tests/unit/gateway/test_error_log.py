"""Unexpected failures are logged once each, for all paths of the response, and only a few of a response."""

from typing import Any

from graphql import GraphQLError
from structlog.testing import capture_logs

from gateway.schema.builder import MAX_LOGGED_ERRORS, build_schema
from services.chassis.problems import Forbidden


def logged(errors: list[GraphQLError]) -> list[Any]:
    """The log lines about these errors of a response."""
    with capture_logs() as lines:
        build_schema().process_errors(errors)
    return lines


def error(place: int, cause: Exception) -> GraphQLError:
    """An error with a cause."""
    return GraphQLError(str(cause), path=["sites", place], original_error=cause)


def test_one_failure_is_logged_once() -> None:
    cause = ValueError("once")
    (line,) = logged([error(place, cause) for place in range(1_000)])
    assert (line["event"], line["field"], line["exc_info"]) == ("unexpected", "sites.0", cause)


def test_of_many_failures_a_few_are_logged() -> None:
    *lines, last = logged([error(place, ValueError(place)) for place in range(MAX_LOGGED_ERRORS + 7)])
    assert [line["field"] for line in lines] == [f"sites.{place}" for place in range(MAX_LOGGED_ERRORS)]
    assert last["left_out"] == 7


def test_expected_errors_are_not_logged() -> None:
    assert logged([error(1, Forbidden()), error(2, GraphQLError("no")), GraphQLError("no")]) == []


def test_no_error_keeps_its_frames() -> None:
    cause = raised()
    reported = error(1, cause)
    assert (reported.__traceback__, cause.__traceback__) != (None, None)
    logged([reported])
    assert (reported.__traceback__, cause.__traceback__) == (None, None)


def raised() -> ValueError:
    """An exception with a traceback of one frame."""
    try:
        raise ValueError("x")
    except ValueError as cause:
        return cause
