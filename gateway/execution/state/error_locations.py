"""Errors with their places in a text. A place is worked out once: to count the lines of a long text takes a while."""

from collections.abc import Collection
from typing import Any

from graphql import GraphQLError, located_error

from gateway.execution.planning.plan import Field


def with_location_of(
    error: GraphQLError,
    message: str,
    path: Collection[str | int] | None,
    original_error: Exception | None = None,
    extensions: dict[str, Any] | None = None,
) -> GraphQLError:
    """Return an error that stands where another does in the text."""
    made = GraphQLError(message, path=path, original_error=original_error, extensions=extensions)
    made.nodes, made.source = error.nodes, error.source
    made.positions, made.locations = error.positions, error.locations
    return made


def locate_error(failure: Exception, field: Field, path: Collection[str | int]) -> GraphQLError:
    """Return the error that tells of a failure at a path: the one of graphql-core's ``located_error``."""
    if isinstance(failure, GraphQLError):
        if failure.path is not None:
            return failure
    elif any(hasattr(failure, name) for name in ("nodes", "source", "positions")):
        return located_error(failure, field.nodes, path)
    if field.place is None:
        field.place = GraphQLError("", field.nodes)
    place = field.place
    if isinstance(failure, GraphQLError) and (failure.nodes or failure.positions):
        place = failure
    made = with_location_of(place, str(getattr(failure, "message", failure)), path, failure)
    made.nodes = made.nodes or field.place.nodes
    return made
