"""Completion of values that are not as they should be: with paths, errors and nulls as the specification has them.

The slow way, taken for a value that the compiled code refused. It does what section 6.4.3 says, line by line.
"""

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
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.pyutils import Path, inspect, is_iterable

from gateway.execution.answer import Container, Key, put
from gateway.execution.located import located
from gateway.execution.plan import Field, Kind, Selection, item_of
from gateway.execution.run import Run
from gateway.execution.step_info import StepInfo
from services.chassis import garbage


@dataclass
class Awaited:
    """A value that must be awaited before it can be completed, and its place."""

    value: Awaitable[Any]
    container: Container
    key: Key
    kind: Any
    field: Field


class Careful:
    """Completes one value. Steps are registered with the run as the compiled code does; ``awaited`` are left over."""

    def __init__(self, run: Run, awaited: list[Awaited]) -> None:
        self._run = run
        self._answer = run.answer
        self._awaited = awaited

    def place(self, container: Container, key: Key, kind: Any, field: Field, value: Any) -> None:
        """Complete the value of a step at its place; an error is told, and does what it must to what is around it.

        The value was awaited if it had to be: it is not awaited again, as graphql-core does not.
        """
        place = self._answer.place(container)
        if place is None:
            if isinstance(value, Exception):
                garbage.release(value)  # nobody is told of it
            return
        try:
            self._put(container, key, kind, field, value, Path(place.path, key, None), settled=True)
        except GraphQLError as error:
            self._answer.fail(place, error)
        else:
            self._answer.filled([container], key, kind, field)

    def _put(
        self,
        container: Any,
        key: Key,
        kind: Any,
        field: Field,
        value: Any,
        path: Path,
        *,
        settled: bool = False,
    ) -> None:
        """As ExecuteField and CompleteValue: raises a located error where the place may not be null."""
        if isinstance(value, Exception):
            failure = value  # it is not raised anew: one may be that of many places
        else:
            try:
                put(container, key, self._complete(container, key, kind, kind, field, value, path, settled))
                return
            except Exception as raised:
                failure = raised
        error = located(failure, field, path.as_list())
        put(container, key, None)
        if is_non_null_type(kind):
            raise error from None
        self._answer.errors.append(error)
        self._answer.nulled = True

    def _complete(
        self,
        container: Container,
        key: Key,
        kind: Any,
        whole: Any,
        field: Field,
        value: Any,
        path: Path,
        settled: bool,
    ) -> Any:
        if isawaitable(value) and not settled:
            self._awaited.append(Awaited(value, container, key, whole, field))
            return None
        if is_non_null_type(kind):
            completed = self._complete(container, key, kind.of_type, whole, field, value, path, settled)
            if completed is None and not self._waits_at(container, key):
                raise TypeError(
                    f"Cannot return null for non-nullable field {field.parent}.{field.nodes[0].name.value}."
                )
            return completed
        if value is None or value is Undefined:
            return None
        if isinstance(kind, GraphQLList):
            return self._list(container, key, kind, whole, field, value, path)
        if is_leaf_type(kind):
            return _leaf(kind, value)
        if is_abstract_type(kind):
            kind = self._runtime_type(kind, field, value)
        return self._object(kind, field, value, path)

    def _waits_at(self, container: Container, key: Key) -> bool:
        return bool(self._awaited) and self._awaited[-1].container is container and self._awaited[-1].key == key

    def _list(self, container: Container, key: Key, kind: Any, whole: Any, field: Field, value: Any, path: Path) -> Any:
        if isinstance(value, AsyncIterable):
            self._awaited.append(Awaited(_drained(value), container, key, whole, field))
            return None
        if not is_iterable(value):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{field.parent}.{field.nodes[0].name.value}'."
            )
        completed: list[Any] = []
        for index, item in enumerate(value):
            completed.append(None)
            self._put(completed, index, item_of(kind), field, item, Path(path, index, None))
        return completed

    def _runtime_type(self, kind: Any, field: Field, value: Any) -> GraphQLObjectType:
        resolve = kind.resolve_type or default_type_resolver
        name = resolve(value, self._info(field), kind)
        found = field.selections.get(name) if isinstance(name, str) else None
        if found is not None:
            return found.type
        judge = Executor.__new__(Executor)
        judge.schema = self._run.schema
        details = [FieldDetails(node, None) for node in field.nodes]
        judge.ensure_valid_runtime_type(name, kind, details, self._info(field), value)
        raise AssertionError("it has raised")

    def _info(self, field: Field) -> Any:
        return StepInfo(self._run, field)

    def _object(self, kind: GraphQLObjectType, field: Field, value: Any, path: Path) -> Any:
        if kind.is_type_of is not None and not kind.is_type_of(value, self._info(field)):
            raise GraphQLError(f"Expected value of type '{kind}' but got: {inspect(value)}.")
        return self.selection(field.selections[kind.name], value, path)

    def selection(self, selection: Selection, value: Any, path: Path | None) -> dict[str, Any]:
        """An object's part of the answer."""
        completed: dict[str, Any] = {}
        for field in selection.fields:
            match field.kind:
                case Kind.TYPENAME:
                    completed[field.key] = selection.type.name
                case Kind.PLAIN:
                    self._plain(completed, field, value, Path(path, field.key, None))
                case _:
                    completed[field.key] = None
                    self._run.wait(field.index, value, completed)
        return completed

    def _plain(self, completed: dict[str, Any], field: Field, value: Any, path: Path) -> None:
        try:
            attribute = cast(Any, field.definition.resolve)(value, None)
        except Exception as error:
            attribute = error
        self._put(completed, field.key, field.type, field, attribute, path)


def _leaf(kind: Any, value: Any) -> Any:
    coerced = kind.coerce_output_value(value)
    if coerced is Undefined or coerced is None:
        raise TypeError(
            f"Expected `{inspect(kind)}.coerce_output_value({inspect(value)})` to return non-nullable value,"
            f" returned: {inspect(coerced)}"
        )
    return coerced


async def _drained(items: AsyncIterable[Any]) -> list[Any]:
    return [item async for item in items]
