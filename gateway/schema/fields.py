"""How fields are declared: with the contracts' types, which become the graph's.

Fields that ask a service may be null: a service that is away costs its own fields and no others. Each says what it
costs (`gateway.execution.cost.compiler`); the unit is an object that is read and answered, about 25 µs of a processor.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import strawberry
from strawberry.parent import StrawberryParent
from strawberry.types.field import StrawberryField

from gateway.context import Context
from gateway.execution.cost.directives import Cost, ListSize
from gateway.execution.planning.batch_resolver import BatchFunction, awaited_type, batch
from gateway.execution.planning.selected_fields import collect_field_names
from gateway.schema.contract_types import argument_type, graphql_description, output_type, union_members
from services.contracts.values import Connection, Refusal

Info = strawberry.Info[Context, None]

Resolver = Callable[..., Awaitable[Any]]

SERVICE_CALL_WEIGHT = 10
"""The weight of a field that asks a service by itself: a round trip and a query, beside what is answered."""
PASSWORD_HASH_WEIGHT = 100
"""That of a field that hashes a password, which is made to be slow."""
BATCH_FIELD_WEIGHT = 1
"""That of a field that is asked for many parents at once, for each of them."""

_CONNECTION_SIZE = ListSize(slicing_arguments=["first"], sized_fields=["edges"])


def field(
    result: str = "", *, name: str | None = None, weight: int = SERVICE_CALL_WEIGHT, size: ListSize | None = None
) -> Callable[[Resolver], StrawberryField]:
    """A field of the resolver ``async (info, ...)``, or ``async (parent: strawberry.Parent[P], info, ...)``.

    One that only passes on what a service answers is an ordinary function, so that its call may share a round trip.
    ``result`` is the graph's name of a result with several members; ``name`` that of the field where Python can't
    have it. ``weight`` is what it costs to ask, ``size`` how long the lists of its value are (those of a connection
    say it themselves).
    """

    def declare(resolver: Resolver) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        if inspect.iscoroutinefunction(resolver) and Refusal in union_members(hints["return"]):
            resolver = _with_retry_after(resolver)
        _set_parameters(resolver, _graphql_parameters(resolver, hints))
        made: StrawberryField = strawberry.field(
            resolver=resolver,
            name=name,
            graphql_type=output_type(awaited_type(hints["return"]), resolver.__name__, result) | None,
            description=_field_description(resolver),
            directives=_cost_directives(weight, size, awaited_type(hints["return"])),
        )
        return made

    return declare


def _with_retry_after(resolver: Resolver) -> Resolver:
    """The resolver, whose refusals the context notes: an answer over HTTP says when to try again."""

    @functools.wraps(resolver)
    async def resolve(*arguments: Any, info: Info, **named: Any) -> Any:
        found = await resolver(*arguments, info=info, **named)
        if isinstance(found, Refusal):
            info.context.note_retry_after(found)
        return found

    return resolve


def batch_field(
    result: str = "", *, needs: Sequence[str], weight: int = BATCH_FIELD_WEIGHT, size: ListSize | None = None
) -> Callable[[BatchFunction], StrawberryField]:
    """A batch field of the resolver ``async (parents: list[P], info, ...) -> list[V]``.

    ``needs`` are the attributes of a parent that it looks at: it may be handed parents that have no others. ``weight``
    is what it costs to ask for one parent, ``size`` how long the lists of one value are.
    """

    def declare(resolver: BatchFunction) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (value,) = get_args(awaited_type(hints["return"]))
        parameters = [
            parameter.replace(annotation=argument_type(hints[name], name))
            for name, parameter in list(inspect.signature(resolver).parameters.items())[2:]
        ]
        kind = output_type(value, resolver.__name__, result) | None
        made = batch(resolver, graphql_type=kind, parameters=parameters, needs=needs)
        made.description = _field_description(resolver)
        made.directives = _cost_directives(weight, size, value)
        return made

    return declare


def _cost_directives(weight: int, size: ListSize | None, value: Any) -> list[object]:
    if any(get_origin(one) is Connection for one in union_members(value)):
        size = _CONNECTION_SIZE
    return [*([Cost(weight=str(weight))] if weight else []), *([size] if size else [])]


def _graphql_parameters(resolver: Callable[..., Any], hints: dict[str, Any]) -> list[inspect.Parameter]:
    """A resolver's parameters with the graph's types where it has the contract's."""
    return [
        parameter if _is_injected(hints[name]) else parameter.replace(annotation=argument_type(hints[name], name))
        for name, parameter in inspect.signature(resolver).parameters.items()
    ]


def _is_injected(hint: Any) -> bool:
    """Whether a parameter is no argument: Strawberry, or a batch's executor, hands it in."""
    is_parent = get_origin(hint) is Annotated and any(isinstance(one, StrawberryParent) for one in get_args(hint)[1:])
    return is_parent or get_origin(hint) is strawberry.Info


def _set_parameters(resolver: Any, parameters: list[inspect.Parameter]) -> None:
    """Have Strawberry see these parameters."""
    resolver.__signature__ = inspect.signature(resolver).replace(parameters=parameters)


def _field_description(resolver: Callable[..., Any]) -> str | None:
    return graphql_description(inspect.getdoc(resolver) or "")


async def load_many(ids: Sequence[str], ask: Callable[[list[str]], Awaitable[Sequence[Any]]]) -> list[Any]:
    """The values of some ids, in their order, each different id asked for once."""
    different = list(dict.fromkeys(ids))
    found = dict(zip(different, await ask(different), strict=True)) if different else {}
    return [found[one] for one in ids]


def typed_field(
    graphql_type: Any, *, weight: int = 0, size: ListSize | None = None
) -> Callable[[Callable[..., Any]], StrawberryField]:
    """A field whose type is the graph's alone: no contract has it."""

    def declare(resolver: Callable[..., Any]) -> StrawberryField:
        _set_parameters(resolver, _graphql_parameters(resolver, get_type_hints(resolver, include_extras=True)))
        made: StrawberryField = strawberry.field(
            resolver=resolver,
            graphql_type=graphql_type,
            description=_field_description(resolver),
            directives=_cost_directives(weight, size, None),
        )
        return made

    return declare


def subscription(result: str) -> Callable[[Callable[..., AsyncIterator[Any]]], StrawberryField]:
    """A subscription of the resolver ``async (info, ...) -> AsyncIterator[...]``."""

    def declare(resolver: Callable[..., AsyncIterator[Any]]) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (item,) = get_args(hints["return"])
        _set_parameters(resolver, _graphql_parameters(resolver, hints))
        made: Any = strawberry.subscription(
            resolver=resolver,
            graphql_type=output_type(item, union=result),
            description=_field_description(resolver),
            directives=_cost_directives(SERVICE_CALL_WEIGHT, None, None),
        )
        declared: StrawberryField = made
        return declared

    return declare


def selected_field_names(info: Info, *path: str) -> list[str]:
    """The names of the fields selected below the field at hand, or further down behind ``path``."""
    raw = info._raw_info
    return sorted(collect_field_names(raw.field_nodes, raw.fragments, path))


def selected_struct_fields(struct: type[msgspec.Struct], info: Info, *path: str) -> list[str]:
    """Those of the selected fields that a struct has itself: what a service is asked for."""
    memo = getattr(info._raw_info, "memo", None)
    if memo is None:  # graphql-core executes, not a plan
        return filter_struct_fields(struct, selected_field_names(info, *path))
    key = struct, path
    wanted: list[str] | None = memo.get(key)
    if wanted is None:
        wanted = memo[key] = filter_struct_fields(struct, selected_field_names(info, *path))
    return wanted


def is_total_selected(info: Info) -> bool:
    """Return whether the field at hand is a connection whose ``totalCount`` is selected: it is not counted unasked."""
    return "totalCount" in selected_struct_fields(Connection, info)


def filter_struct_fields(struct: type[msgspec.Struct], names: Sequence[str]) -> list[str]:
    """Those of some names that are a struct's own fields; the others are joined."""
    own = _encoded_names(struct)
    return [name for name in names if name in own]


@functools.cache
def _encoded_names(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)
