"""Fields that join another source, declared once: a list of parents in, a list of values out.

A declaration says what is joined, and not how it is executed: an executor needs the ``BatchResolver`` in the field's
metadata. Whoever executes hands over all parents of a level at once, with the field's arguments by name.
"""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args, get_origin

import strawberry
from strawberry.types.field import StrawberryField

from services.chassis.rpc.raw_result import decode_if_raw

BATCH_RESOLVER = "batch"
"""The key of a field's ``BatchResolver`` in its metadata."""

BatchFunction = Callable[..., Awaitable[Sequence[Any]]]

SelectedFields = list[str]
"""Annotation of a batch resolver's parameter ``fields``: it gets the names of the fields that are selected below."""


@dataclass(frozen=True)
class BatchResolver:
    """One joined field.

    ``values`` takes (parents, info, **arguments) and answers one value a parent, in their order; an exception among
    the values is the error of its parent's field alone. ``parent`` is the class of the parents and ``value`` that of
    the values, as annotated; ``arguments`` are the names of the field's arguments; ``wants_fields``: it takes
    ``fields`` beside them. ``needs``: the attributes of a parent that it looks at, where it says so.
    """

    name: str
    values: BatchFunction
    parent: Any
    value: Any
    arguments: tuple[str, ...]
    takes_selected_fields: bool
    needs: tuple[str, ...] | None = None

    def values_per_parent(self, values: Any, parents: int) -> Sequence[Any]:
        """One value a parent, as it is declared, of what ``values`` has answered; else an exception for each."""
        values = decode_if_raw(values)
        if isinstance(values, Exception):
            return [values] * parents
        try:
            count = len(values)
        except TypeError as error:
            return [error] * parents
        if count != parents:
            return [RuntimeError(f"{self.name}: {count} values for {parents} parents")] * parents
        return [decode_if_raw(value) for value in values]


class SupportsBatchLoading(Protocol):
    """What the request's context offers to a batch field, as ``context.loader``."""

    def load(
        self, batch: BatchResolver, parent: Any, info: strawberry.Info[Any, Any], arguments: dict[str, Any]
    ) -> Awaitable[Any]:
        """The value of one parent, asked for together with those of its neighbours."""
        ...


class BatchAwaitable(Protocol):
    """An awaitable of which many cost less than each by itself: calls that share a request, say."""

    @staticmethod
    def await_batch(several: Sequence[Any]) -> Awaitable[Sequence[Any]]:
        """What each of them gives; an exception in the place of one that raises it."""
        ...


class SelectiveAwaitable(BatchAwaitable, Protocol):
    """One that can be told, before it is awaited, what is selected of its answer; ``kind`` is what is declared of that.

    It may send just that, checked by its declared types: a JSON list of names, a list behind a name being the selection
    of its value (``services.chassis.rpc.field_selection`` says it in full).
    """

    kind: Any

    def select_fields(self, selection: bytes) -> None:
        """Only this is read."""
        ...


def awaited_type(annotation: Any) -> Any:
    """What a resolver's annotated result is in the end."""
    return get_args(annotation)[0] if get_origin(annotation) is Awaitable else annotation


def batch(
    values: BatchFunction,
    *,
    graphql_type: Any = None,
    parameters: Sequence[inspect.Parameter] = (),
    needs: Sequence[str] | None = None,
) -> StrawberryField:
    """The field of a resolver ``async (parents: list[P], info, ...) -> list[V]``; its description is the docstring.

    It may be an ordinary function that answers an awaitable: if the awaitable's class has ``together`` (see
    ``BatchAwaitable``), it is awaited with its like.

    ``graphql_type`` is the field's type where it is not V; ``parameters`` are the field's arguments where the
    resolver's annotations are not the graph's. ``needs`` are the attributes that it looks at of a parent: if it says
    so, parents may be handed to it that have no others.
    """
    signature = inspect.signature(values)
    parents, _, *own = signature.parameters.values()
    (parent,), (value,) = get_args(parents.annotation), get_args(awaited_type(signature.return_annotation))
    wants_fields = any(parameter.name == "fields" for parameter in own)
    arguments = [parameter for parameter in parameters or own if parameter.name != "fields"]
    names = tuple(argument.name for argument in arguments)
    known_needs = None if needs is None else tuple(needs)
    declared = BatchResolver(values.__name__, values, parent, value, names, wants_fields, known_needs)

    def resolve(self: Any, info: strawberry.Info[Any, Any], **given: Any) -> Awaitable[Any]:
        loads: SupportsBatchLoading = info.context.loader
        return loads.load(declared, self, info, given)

    resolve.__name__ = values.__name__
    fixed = inspect.signature(resolve).parameters
    resolve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            fixed["self"],
            fixed["info"],
            *(argument.replace(kind=inspect.Parameter.KEYWORD_ONLY) for argument in arguments),
        ]
    )
    made: StrawberryField = strawberry.field(
        resolver=resolve,
        graphql_type=value if graphql_type is None else graphql_type,
        description=inspect.getdoc(values),
        metadata={BATCH_RESOLVER: declared},
    )
    return made
