"""Batch fields: fields whose resolver takes a list of parents and returns a list of values.

A declaration is independent of the executor, which finds the ``BatchResolver`` in the field's metadata and calls it
with all parents of a level.
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
"""Annotation of a batch resolver's parameter ``fields``: the names of the fields selected below."""


@dataclass(frozen=True)
class BatchResolver:
    """The resolver of one batch field."""

    name: str
    resolve: BatchFunction
    """(parents, info, **arguments) -> a value for each parent; an exception is the error of that parent's field."""
    parent: Any
    """The annotated class of the parents."""
    value: Any
    """The annotated class of the values."""
    arguments: tuple[str, ...]
    """The names of the field's arguments."""
    takes_selected_fields: bool
    """Whether ``resolve`` has the parameter ``fields``."""
    needs: tuple[str, ...] | None = None
    """The attributes of a parent that ``resolve`` reads, if they are declared."""

    def values_per_parent(self, values: Any, parents: int) -> Sequence[Any]:
        """Return a value of the declared type for each parent, out of the result of ``resolve``; else exceptions."""
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
    """The loader of a request, which batch fields use as ``context.loader``."""

    def load(
        self, batch: BatchResolver, parent: Any, info: strawberry.Info[Any, Any], arguments: dict[str, Any]
    ) -> Awaitable[Any]:
        """Return the value of one parent, loaded in one call with its neighbours'."""
        ...


class BatchAwaitable(Protocol):
    """An awaitable of which several cost less together: calls that share a request, for example."""

    @staticmethod
    def await_batch(several: Sequence[Any]) -> Awaitable[Sequence[Any]]:
        """Return the result of each, with an exception in the place of a failure."""
        ...


class SelectiveAwaitable(BatchAwaitable, Protocol):
    """An awaitable that takes the selection on its result before it is awaited.

    Its result may be restricted to the selection and checked by the declared types. The selection is a JSON list of
    names, each followed by the list for its value, if any (see ``services.chassis.rpc.field_selection``).
    """

    kind: Any
    """The declared type of the result."""

    def select_fields(self, selection: bytes) -> None:
        """Restrict the result to a selection."""
        ...


def awaited_type(annotation: Any) -> Any:
    """Return the type of a resolver's value, given the annotation of its result."""
    return get_args(annotation)[0] if get_origin(annotation) is Awaitable else annotation


def batch(
    resolver: BatchFunction,
    *,
    graphql_type: Any = None,
    parameters: Sequence[inspect.Parameter] = (),
    needs: Sequence[str] | None = None,
) -> StrawberryField:
    """Return the field of a resolver ``async (parents: list[P], info, ...) -> list[V]``.

    The field's description is the resolver's docstring. The resolver may also be a function that returns an awaitable;
    a ``BatchAwaitable`` is awaited in one call with others of its class.

    ``graphql_type`` is the field's type if it is not V; ``parameters`` are the field's arguments if they are not the
    resolver's. ``needs`` are the attributes of a parent that the resolver reads: parents may lack the others then.
    """
    signature = inspect.signature(resolver)
    parents, _, *own = signature.parameters.values()
    (parent,), (value,) = get_args(parents.annotation), get_args(awaited_type(signature.return_annotation))
    takes_fields = any(parameter.name == "fields" for parameter in own)
    arguments = [parameter for parameter in parameters or own if parameter.name != "fields"]
    names = tuple(argument.name for argument in arguments)
    declared_needs = None if needs is None else tuple(needs)
    declared = BatchResolver(resolver.__name__, resolver, parent, value, names, takes_fields, declared_needs)

    def resolve(self: Any, info: strawberry.Info[Any, Any], **given: Any) -> Awaitable[Any]:
        loader: SupportsBatchLoading = info.context.loader
        return loader.load(declared, self, info, given)

    resolve.__name__ = resolver.__name__
    fixed = inspect.signature(resolve).parameters
    resolve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            fixed["self"],
            fixed["info"],
            *(argument.replace(kind=inspect.Parameter.KEYWORD_ONLY) for argument in arguments),
        ]
    )
    field: StrawberryField = strawberry.field(
        resolver=resolve,
        graphql_type=value if graphql_type is None else graphql_type,
        description=inspect.getdoc(resolver),
        metadata={BATCH_RESOLVER: declared},
    )
    return field
