"""How fields are declared: with the contracts' types, which become the graph's.

Fields that ask a service may be null: a service that is away costs its own fields and no others. Each says what it
costs (`gateway.execution.cost`); the unit is an object that is read and answered, about 25 µs of a processor.
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
from gateway.execution.batch import Values, awaited, batch
from gateway.execution.cost_directives import Cost, ListSize
from gateway.execution.selection import selected
from gateway.schema.contract_types import argument, description, members, output
from services.contracts.values import Connection, Refusal

Info = strawberry.Info[Context, None]

Resolver = Callable[..., Awaitable[Any]]

A_CALL = 10
"""The weight of a field that asks a service by itself: a round trip and a query, beside what is answered."""
A_PASSWORD = 100
"""That of a field that hashes a password, which is made to be slow."""
A_JOIN = 1
"""That of a field that is asked for many parents at once, for each of them."""

_PAGE = ListSize(slicing_arguments=["first"], sized_fields=["edges"])


def field(
    result: str = "", *, name: str | None = None, weight: int = A_CALL, size: ListSize | None = None
) -> Callable[[Resolver], StrawberryField]:
    """A field of the resolver ``async (info, ...)``, or ``async (parent: strawberry.Parent[P], info, ...)``.

    One that only passes on what a service answers is an ordinary function, so that its call may share a round trip.
    ``result`` is the graph's name of a result with several members; ``name`` that of the field where Python can't
    have it. ``weight`` is what it costs to ask, ``size`` how long the lists of its value are (those of a connection
    say it themselves).
    """

    def declare(resolver: Resolver) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        if inspect.iscoroutinefunction(resolver) and Refusal in members(hints["return"]):
            resolver = _noting(resolver)
        _say(resolver, _in_graph_terms(resolver, hints))
        made: StrawberryField = strawberry.field(
            resolver=resolver,
            name=name,
            graphql_type=output(awaited(hints["return"]), resolver.__name__, result) | None,
            description=_description(resolver),
            directives=_costs(weight, size, awaited(hints["return"])),
        )
        return made

    return declare


def _noting(resolver: Resolver) -> Resolver:
    """The resolver, whose refusals the context notes: an answer over HTTP says when to try again."""

    @functools.wraps(resolver)
    async def resolve(*arguments: Any, info: Info, **named: Any) -> Any:
        found = await resolver(*arguments, info=info, **named)
        if isinstance(found, Refusal):
            info.context.note(found)
        return found

    return resolve


def joined(
    result: str = "", *, needs: Sequence[str], weight: int = A_JOIN, size: ListSize | None = None
) -> Callable[[Values], StrawberryField]:
    """A batch field of the resolver ``async (parents: list[P], info, ...) -> list[V]``.

    ``needs`` are the attributes of a parent that it looks at: it may be handed parents that have no others. ``weight``
    is what it costs to ask for one parent, ``size`` how long the lists of one value are.
    """

    def declare(resolver: Values) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (value,) = get_args(awaited(hints["return"]))
        parameters = [
            parameter.replace(annotation=argument(hints[name], name))
            for name, parameter in list(inspect.signature(resolver).parameters.items())[2:]
        ]
        kind = output(value, resolver.__name__, result) | None
        made = batch(resolver, graphql_type=kind, parameters=parameters, needs=needs)
        made.description = _description(resolver)
        made.directives = _costs(weight, size, value)
        return made

    return declare


def _costs(weight: int, size: ListSize | None, value: Any) -> list[object]:
    if any(get_origin(one) is Connection for one in members(value)):
        size = _PAGE
    return [*([Cost(weight=str(weight))] if weight else []), *([size] if size else [])]


def _in_graph_terms(resolver: Callable[..., Any], hints: dict[str, Any]) -> list[inspect.Parameter]:
    """A resolver's parameters with the graph's types where it has the contract's."""
    return [
        parameter if _given(hints[name]) else parameter.replace(annotation=argument(hints[name], name))
        for name, parameter in inspect.signature(resolver).parameters.items()
    ]


def _given(hint: Any) -> bool:
    """Whether a parameter is no argument: Strawberry, or a batch's executor, hands it in."""
    is_parent = get_origin(hint) is Annotated and any(isinstance(one, StrawberryParent) for one in get_args(hint)[1:])
    return is_parent or get_origin(hint) is strawberry.Info


def _say(resolver: Any, parameters: list[inspect.Parameter]) -> None:
    """Have Strawberry see these parameters."""
    resolver.__signature__ = inspect.signature(resolver).replace(parameters=parameters)


def _description(resolver: Callable[..., Any]) -> str | None:
    return description(inspect.getdoc(resolver) or "")


async def each(ids: Sequence[str], ask: Callable[[list[str]], Awaitable[Sequence[Any]]]) -> list[Any]:
    """The values of some ids, in their order, each different id asked for once."""
    different = list(dict.fromkeys(ids))
    found = dict(zip(different, await ask(different), strict=True)) if different else {}
    return [found[one] for one in ids]


def plain_field(
    graphql_type: Any, *, weight: int = 0, size: ListSize | None = None
) -> Callable[[Callable[..., Any]], StrawberryField]:
    """A field whose type is the graph's alone: no contract has it."""

    def declare(resolver: Callable[..., Any]) -> StrawberryField:
        _say(resolver, _in_graph_terms(resolver, get_type_hints(resolver, include_extras=True)))
        made: StrawberryField = strawberry.field(
            resolver=resolver,
            graphql_type=graphql_type,
            description=_description(resolver),
            directives=_costs(weight, size, None),
        )
        return made

    return declare


def subscription(result: str) -> Callable[[Callable[..., AsyncIterator[Any]]], StrawberryField]:
    """A subscription of the resolver ``async (info, ...) -> AsyncIterator[...]``."""

    def declare(resolver: Callable[..., AsyncIterator[Any]]) -> StrawberryField:
        hints = get_type_hints(resolver, include_extras=True)
        (item,) = get_args(hints["return"])
        _say(resolver, _in_graph_terms(resolver, hints))
        made: Any = strawberry.subscription(
            resolver=resolver,
            graphql_type=output(item, union=result),
            description=_description(resolver),
            directives=_costs(A_CALL, None, None),
        )
        declared: StrawberryField = made
        return declared

    return declare


def selected_of(info: Info, *path: str) -> list[str]:
    """The names of the fields selected below the field at hand, or further down behind ``path``."""
    raw = info._raw_info
    return sorted(selected(raw.field_nodes, raw.fragments, path))


def wanted_of(struct: type[msgspec.Struct], info: Info, *path: str) -> list[str]:
    """Those of the selected fields that a struct has itself: what a service is asked for."""
    memo = getattr(info._raw_info, "memo", None)
    if memo is None:  # graphql-core executes, not a plan
        return own_fields(struct, selected_of(info, *path))
    key = struct, path
    wanted: list[str] | None = memo.get(key)
    if wanted is None:
        wanted = memo[key] = own_fields(struct, selected_of(info, *path))
    return wanted


def total_wanted(info: Info) -> bool:
    """Return whether the field at hand is a connection whose ``totalCount`` is selected: it is not counted unasked."""
    return "totalCount" in wanted_of(Connection, info)


def own_fields(struct: type[msgspec.Struct], names: Sequence[str]) -> list[str]:
    """Those of some names that are a struct's own fields; the others are joined."""
    own = _sent_names(struct)
    return [name for name in names if name in own]


@functools.cache
def _sent_names(struct: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(struct.__struct_encode_fields__)
