"""Decorators that declare GraphQL fields from resolvers annotated with the contracts' types.

Fields that call a service are nullable: an unavailable service affects only its own fields. Each field declares its
cost (`gateway.execution.cost.compiler`), in objects that are read and returned: about 25 µs of a processor each.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec
import strawberry
from strawberry.parent import StrawberryParent
from strawberry.types.field import StrawberryField

from gateway.context import Context
from gateway.execution.compat import raw_info
from gateway.execution.cost.directives import Cost, ListSize
from gateway.execution.planning.batch_resolver import BatchFunction, awaited_type, batch
from gateway.execution.planning.selected_fields import collect_field_names
from gateway.schema.contract_types import described_argument_type, output_type, union_members
from gateway.schema.descriptions import graphql_description
from services.contracts.values import (
    DEFAULT_PAGE,
    Conflict,
    ConflictField,
    Connection,
    MutationResult,
    Page,
    PageInfo,
    Problem,
    Refusal,
)

Info = strawberry.Info[Context, None]

Resolver = Callable[..., Awaitable[Any]]

SERVICE_CALL_WEIGHT = 10
"""The weight of a field that calls a service: a round trip and a query, beside the objects returned."""
PASSWORD_HASH_WEIGHT = 100
"""The weight of a field that hashes a password, which is slow by design."""
BATCH_FIELD_WEIGHT = 1
"""The weight of a batch field, for each parent."""

_CONNECTION_SIZE = ListSize(
    assumed_size=DEFAULT_PAGE,
    slicing_arguments=["first", "last"],
    sized_fields=["edges"],
    require_one_slicing_argument=False,
)


def field(
    result: str = "", *, name: str | None = None, weight: int = SERVICE_CALL_WEIGHT, size: ListSize | None = None
) -> Callable[[Resolver], StrawberryField]:
    """Declare a field with the resolver ``async (info, ...)``, or ``async (parent: strawberry.Parent[P], info, ...)``.

    A resolver that only returns a service's response is an ordinary function, so that its call can share a round trip.
    ``result`` is the name of the result's union; ``name`` that of the field if it is no Python identifier. ``weight``
    is the cost of the call, ``size`` the length of the value's lists (connections have theirs already).
    """

    def declare(resolver: Resolver) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        if inspect.iscoroutinefunction(resolver) and Refusal in union_members(hints["return"]):
            resolver = _with_presented_problems(resolver)
        _set_parameters(resolver, _graphql_parameters(resolver, hints))
        strawberry_field: StrawberryField = strawberry.field(
            resolver=resolver,
            name=name,
            graphql_type=output_type(awaited_type(hints["return"]), resolver.__name__, result) | None,
            description=_field_description(resolver),
            directives=_cost_directives(weight, size, awaited_type(hints["return"])),
        )
        return strawberry_field

    return declare


def _with_presented_problems(resolver: Resolver) -> Resolver:
    """Wrap a mutation's resolver: the paths of its result begin with the argument ``input``.

    The context notes its refusals for the ``Retry-After`` of the HTTP response.
    """

    @functools.wraps(resolver)
    async def resolve(*arguments: Any, info: Info, **named: Any) -> Any:
        result = await resolver(*arguments, info=info, **named)
        if isinstance(result, Refusal):
            info.context.note_retry_after(result)
        return within_input(result) if isinstance(result, MutationResult) and result.problems else result

    return resolve


R = TypeVar("R", bound=MutationResult)
P = TypeVar("P", Problem, ConflictField)


def within_input(result: R) -> R:
    """Return a result whose paths begin with the argument ``input``, unless they are empty."""
    if isinstance(result, Conflict):
        result = msgspec.structs.replace(result, fields=[_within_input(field) for field in result.fields])
    return msgspec.structs.replace(result, problems=[_within_input(problem) for problem in result.problems])


def _within_input(one: P) -> P:
    return msgspec.structs.replace(one, path=["input", *one.path]) if one.path else one


def batch_field(
    result: str = "", *, needs: Sequence[str], weight: int = BATCH_FIELD_WEIGHT, size: ListSize | None = None
) -> Callable[[BatchFunction], StrawberryField]:
    """Declare a batch field with the resolver ``async (parents: list[P], info, ...) -> list[V]``.

    ``needs`` are the attributes of a parent that the resolver reads: its parents may have no others. ``weight`` is the
    cost for one parent, ``size`` the length of one value's lists.
    """

    def declare(resolver: BatchFunction) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (value,) = get_args(awaited_type(hints["return"]))
        parameters = [
            parameter.replace(annotation=described_argument_type(hints[name], name))
            for name, parameter in list(inspect.signature(resolver).parameters.items())[2:]
        ]
        kind = output_type(value, resolver.__name__, result) | None
        strawberry_field = batch(resolver, graphql_type=kind, parameters=parameters, needs=needs)
        strawberry_field.description = _field_description(resolver)
        strawberry_field.directives = _cost_directives(weight, size, value)
        return strawberry_field

    return declare


def _cost_directives(weight: int, size: ListSize | None, value: Any) -> list[object]:
    if any(get_origin(one) is Connection for one in union_members(value)):
        size = _CONNECTION_SIZE
    return [*([Cost(weight=str(weight))] if weight else []), *([size] if size else [])]


def _graphql_parameters(resolver: Callable[..., Any], hints: dict[str, Any]) -> list[inspect.Parameter]:
    """Return a resolver's parameters, its arguments annotated with the types of the graph."""
    return [
        parameter
        if _is_injected(hints[name])
        else parameter.replace(annotation=described_argument_type(hints[name], name))
        for name, parameter in inspect.signature(resolver).parameters.items()
    ]


def _is_injected(hint: Any) -> bool:
    """Return whether a parameter is not a GraphQL argument but the parent or the info."""
    is_parent = get_origin(hint) is Annotated and any(isinstance(one, StrawberryParent) for one in get_args(hint)[1:])
    return is_parent or get_origin(hint) is strawberry.Info


def _set_parameters(resolver: Any, parameters: list[inspect.Parameter]) -> None:
    """Replace the parameters that Strawberry sees."""
    resolver.__signature__ = inspect.signature(resolver).replace(parameters=parameters)


def _field_description(resolver: Callable[..., Any]) -> str | None:
    return graphql_description(inspect.getdoc(resolver))


async def load_many(ids: Sequence[str | None], load: Callable[[list[str]], Awaitable[Sequence[Any]]]) -> list[Any]:
    """Return the values of ids, in their order, and None for None; ``load`` gets each distinct id once."""
    distinct = list(dict.fromkeys(one for one in ids if one is not None))
    values = dict(zip(distinct, await load(distinct), strict=True)) if distinct else {}
    return [None if one is None else values[one] for one in ids]


def typed_field(
    graphql_type: Any, *, weight: int = 0, size: ListSize | None = None
) -> Callable[[Callable[..., Any]], StrawberryField]:
    """Declare a field with a type that no contract has."""

    def declare(resolver: Callable[..., Any]) -> StrawberryField:
        _set_parameters(resolver, _graphql_parameters(resolver, get_type_hints(resolver, include_extras=True)))
        strawberry_field: StrawberryField = strawberry.field(
            resolver=resolver,
            graphql_type=graphql_type,
            description=_field_description(resolver),
            directives=_cost_directives(weight, size, None),
        )
        return strawberry_field

    return declare


def subscription(result: str = "") -> Callable[[Callable[..., AsyncIterator[Any]]], StrawberryField]:
    """Declare a subscription with the resolver ``async (info, ...) -> AsyncIterator[...]``."""

    def declare(resolver: Callable[..., AsyncIterator[Any]]) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (item,) = get_args(hints["return"])
        _set_parameters(resolver, _graphql_parameters(resolver, hints))
        strawberry_field: Any = strawberry.subscription(
            resolver=resolver,
            graphql_type=output_type(item, union=result),
            description=_field_description(resolver),
            directives=_cost_directives(SERVICE_CALL_WEIGHT, None, None),
        )
        declared: StrawberryField = strawberry_field
        return declared

    return declare


def selected_field_names(info: Info, *path: str) -> list[str]:
    """Return the names of the fields selected on the current field, or on the field at ``path`` below it."""
    raw = raw_info(info)
    return sorted(collect_field_names(raw.field_nodes, raw.fragments, path))


def selected_struct_fields(struct: type[msgspec.Struct], info: Info, *path: str) -> list[str]:
    """Return the selected fields that the struct itself has, which are requested from its service."""
    memo = getattr(raw_info(info), "memo", None)
    if memo is None:  # graphql-core executes the operation, not a plan
        return filter_struct_fields(struct, selected_field_names(info, *path))
    key = struct, path
    names: list[str] | None = memo.get(key)
    if names is None:
        names = memo[key] = filter_struct_fields(struct, selected_field_names(info, *path))
    return names


def is_total_selected(info: Info) -> bool:
    """Return whether ``totalCount`` is selected on the current field: counting takes time."""
    return "totalCount" in selected_struct_fields(Connection, info)


def requested_page(
    info: Info,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    updated_after: str | None = None,
) -> Page:
    """Return the requested part of the current field's list; what takes time is done only if it is selected."""
    return Page(
        first=first,
        after=after,
        last=last,
        before=before,
        updated_after=updated_after,
        updates="updatedUntil" in selected_struct_fields(PageInfo, info, "pageInfo"),
        total=is_total_selected(info),
    )


def filter_struct_fields(struct: type[msgspec.Struct], names: Sequence[str]) -> list[str]:
    """Return the names that are fields of the struct, not of its type extension."""
    fields = _encoded_names(struct)
    return [name for name in names if name in fields]


@functools.cache
def _encoded_names(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)
