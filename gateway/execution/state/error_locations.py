"""Locations of errors in the text, computed once a field: counting the lines of a long text takes a while."""

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
    """Return an error with the locations of another."""
    located = GraphQLError(message, path=path, original_error=original_error, extensions=extensions)
    located.nodes, located.source = error.nodes, error.source
    located.positions, located.locations = error.positions, error.locations
    return located


def locate_error(failure: Exception, field: Field, path: Collection[str | int]) -> GraphQLError:
    """Return the error of a failed field at a path, equal to that of graphql-core's ``located_error``."""
    if isinstance(failure, GraphQLError):
        if failure.path is not None:
            return failure
    elif any(hasattr(failure, name) for name in ("nodes", "source", "positions")):
        return located_error(failure, field.nodes, path)
    if field.location_error is None:
        field.location_error = GraphQLError("", field.nodes)
    location = field.location_error
    if isinstance(failure, GraphQLError) and (failure.nodes or failure.positions):
        location = failure
    located = with_location_of(location, str(getattr(failure, "message", failure)), path, failure)
    located.nodes = located.nodes or field.location_error.nodes
    return located
