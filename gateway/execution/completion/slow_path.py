"""Slow completion of the values that the compiled code refused: section 6.4.3, with paths, errors and nulls."""

from collections.abc import AsyncIterable, Awaitable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLList,
    GraphQLObjectType,
    Undefined,
    default_type_resolver,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import Path, inspect, is_iterable

from gateway.execution import compat
from gateway.execution.planning.plan import Field, FieldKind, ObjectSelection, item_type
from gateway.execution.state.error_locations import locate_error
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.resolve_info import ResolveInfo
from gateway.execution.state.response import PathSegment, ResponseContainer, set_child
from services.chassis.runtime import gc_tuning


@dataclass
class PendingValue:
    """A value to be awaited and completed, with its position in the response."""

    value: Awaitable[Any]
    container: ResponseContainer
    key: PathSegment
    kind: Any
    field: Field


class SlowCompletion:
    """Completes values and enqueues their steps, as the compiled code does. Adds awaitables to ``pending``."""

    def __init__(self, state: ExecutionState, pending: list[PendingValue]) -> None:
        self._state = state
        self._response = state.response
        self._pending = pending

    def complete_at(self, container: ResponseContainer, key: PathSegment, kind: Any, field: Field, value: Any) -> None:
        """Complete the value of a step under a key of its container; add an error to the response and propagate it.

        An awaitable has been awaited. Like graphql-core, this does not await its result again.
        """
        position = self._response.position(container)
        if position is None:
            if isinstance(value, Exception):
                gc_tuning.clear_tracebacks(value)  # the response does not have it
            return
        try:
            self._complete_into(container, key, kind, field, value, Path(position.path, key, None), settled=True)
        except GraphQLError as error:
            self._response.propagate_error(position, error)
        else:
            self._response.record_values([container], key, kind, field)

    def _complete_into(
        self,
        container: Any,
        key: PathSegment,
        kind: Any,
        field: Field,
        value: Any,
        path: Path,
        *,
        settled: bool = False,
    ) -> None:
        """Complete a value (CompleteValue and HandleFieldError); raise a located error if the type is non-null."""
        if isinstance(value, Exception):
            failure = value  # not raised again: many fields may share one exception
        else:
            try:
                set_child(container, key, self._complete(container, key, kind, kind, field, value, path, settled))
                return
            except Exception as raised:
                failure = raised
        error = locate_error(failure, field, path.as_list())
        set_child(container, key, None)
        if is_non_null_type(kind):
            raise error from None
        self._response.errors.append(error)
        self._response.nulled = True

    def _complete(
        self,
        container: ResponseContainer,
        key: PathSegment,
        kind: Any,
        declared: Any,
        field: Field,
        value: Any,
        path: Path,
        settled: bool,
    ) -> Any:
        if isawaitable(value) and not settled:
            self._pending.append(PendingValue(value, container, key, declared, field))
            return None
        if is_non_null_type(kind):
            completed = self._complete(container, key, kind.of_type, declared, field, value, path, settled)
            if completed is None and not self._is_pending_at(container, key):
                raise TypeError(
                    f"Cannot return null for non-nullable field {field.parent}.{field.nodes[0].name.value}."
                )
            return completed
        if value is None or value is Undefined:
            return None
        if isinstance(kind, GraphQLList):
            return self._list(container, key, kind, declared, field, value, path)
        if is_leaf_type(kind):
            return _complete_leaf(kind, value)
        if is_abstract_type(kind):
            kind = self._runtime_type(kind, field, value)
        return self._object(kind, field, value, path)

    def _is_pending_at(self, container: ResponseContainer, key: PathSegment) -> bool:
        return bool(self._pending) and self._pending[-1].container is container and self._pending[-1].key == key

    def _list(
        self,
        container: ResponseContainer,
        key: PathSegment,
        kind: Any,
        declared: Any,
        field: Field,
        value: Any,
        path: Path,
    ) -> Any:
        if isinstance(value, AsyncIterable):
            self._pending.append(PendingValue(_collect_async(value), container, key, declared, field))
            return None
        if not is_iterable(value):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{field.parent}.{field.nodes[0].name.value}'."
            )
        completed: list[Any] = []
        for index, item in enumerate(value):
            completed.append(None)
            self._complete_into(completed, index, item_type(kind), field, item, Path(path, index, None))
        return completed

    def _runtime_type(self, kind: Any, field: Field, value: Any) -> GraphQLObjectType:
        resolve = kind.resolve_type or default_type_resolver
        name = resolve(value, self._info(field), kind)
        selection = field.selections.get(name) if isinstance(name, str) else None
        if selection is not None:
            return selection.type
        compat.raise_invalid_runtime_type(self._state.schema, name, kind, field.nodes, self._info(field), value)

    def _info(self, field: Field) -> Any:
        return ResolveInfo(self._state, field)

    def _object(self, kind: GraphQLObjectType, field: Field, value: Any, path: Path) -> Any:
        if kind.is_type_of is not None and not kind.is_type_of(value, self._info(field)):
            raise GraphQLError(f"Expected value of type '{kind}' but got: {inspect(value)}.")
        return self.complete_selection(field.selections[kind.name], value, path)

    def complete_selection(self, selection: ObjectSelection, value: Any, path: Path | None) -> dict[str, Any]:
        """Return an object's part of the response."""
        completed: dict[str, Any] = {}
        for field in selection.fields:
            match field.kind:
                case FieldKind.TYPENAME:
                    completed[field.key] = selection.type.name
                case FieldKind.ATTRIBUTE:
                    self._complete_attribute(completed, field, value, Path(path, field.key, None))
                case _:
                    completed[field.key] = None
                    self._state.enqueue(field.index, value, completed)
        return completed

    def _complete_attribute(self, completed: dict[str, Any], field: Field, value: Any, path: Path) -> None:
        try:
            attribute = cast(Any, field.definition.resolve)(value, None)
        except Exception as error:
            attribute = error
        self._complete_into(completed, field.key, field.type, field, attribute, path)


def _complete_leaf(kind: Any, value: Any) -> Any:
    coerced = kind.coerce_output_value(value)
    if coerced is Undefined or coerced is None:
        raise TypeError(
            f"Expected `{inspect(kind)}.coerce_output_value({inspect(value)})` to return non-nullable value,"
            f" returned: {inspect(coerced)}"
        )
    return coerced


async def _collect_async(items: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in items]
