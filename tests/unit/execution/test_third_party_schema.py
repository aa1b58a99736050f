"""Results by plan equal those of graphql-core, for a schema in the style of Strawberry's documentation."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from types import SimpleNamespace
from typing import Any, NewType

import msgspec
import pytest
import strawberry
from strawberry import relay
from strawberry.extensions import FieldExtension, SchemaExtension
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from gateway.execution.strawberry.schema import PlanningSchema
from tests.unit.execution.equivalence import check_equivalent, no_fallback


class MayRead(BasePermission):
    """An asynchronous permission that depends on the context."""

    message = "not for you"
    error_extensions = {"code": "FORBIDDEN"}

    async def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        await asyncio.sleep(0)
        return bool(info.context["may_read"])


class Shout(FieldExtension):
    """A synchronous extension of one field."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: strawberry.Info, **arguments: Any) -> Any:
        return next_(source, info, **arguments).upper()


class Twice(FieldExtension):
    """An asynchronous extension of one field."""

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **arguments: Any) -> Any:
        return [await next_(source, info, **arguments), await next_(source, info, **arguments)]


def _selected(fields: Iterable[Any]) -> str:
    return " ".join(
        f"{getattr(one, 'alias', None) or ''}:{getattr(one, 'name', '?')}{getattr(one, 'arguments', '')}"
        f"({_selected(one.selections)})"
        for one in fields
    )


@strawberry.type
class Ship(relay.Node):
    """A node."""

    id: relay.NodeID[int]
    name: str

    @classmethod
    def resolve_nodes(cls, *, info: strawberry.Info, node_ids: Iterable[str], required: bool = False) -> Any:
        return [_SHIPS.get(int(one)) for one in node_ids]

    @strawberry.field
    def where(self, info: strawberry.Info) -> str:
        """The info of a resolver."""
        path = info.path
        return f"{path.as_list()} {path.typename} {info.field_name} {info.python_name} {info.return_type}"

    @strawberry.field
    async def asked(self, info: strawberry.Info, depth: int = 1) -> "Ship | None":
        """The selection and the variables, recorded in the context."""
        info.context["resolved"].append(
            f"{_selected(info.selected_fields)} {sorted(info.variable_values.items())} {depth}"
        )
        return _SHIPS.get(self.id + depth)

    @strawberry.field(extensions=[Shout()])  # type: ignore[untyped-decorator]
    def loud(self, end: str = "!") -> str:
        """A field with an extension."""
        return self.name + end

    @strawberry.field(extensions=[Twice()])  # type: ignore[untyped-decorator]
    async def both(self) -> list[str]:
        """A field with an asynchronous extension."""
        return self.name  # type: ignore[return-value]

    @strawberry.field(permission_classes=[MayRead])  # type: ignore[untyped-decorator]
    async def secret(self) -> str | None:
        """A field with a permission."""
        return f"secret of {self.name}"

    @strawberry.field
    def typed(self, root: strawberry.Parent["Ship"]) -> str:
        """A resolver with an annotated parent."""
        return type(root).__name__

    @property
    def size(self) -> int:
        """A computed attribute."""
        return len(self.name)


_SHIPS = {number: Ship(id=number, name=f"ship {number}") for number in range(5)}


@strawberry.type
class Query:
    @strawberry.field
    async def node(self, info: strawberry.Info, id: relay.GlobalID) -> relay.Node | None:
        """A node by its id."""
        return await id.resolve_node(info)

    @strawberry.field
    def nodes(self, info: strawberry.Info, ids: list[relay.GlobalID]) -> list[relay.Node | None]:
        """Several awaitable nodes."""
        return [one.resolve_node(info) for one in ids]  # type: ignore[misc]

    @relay.connection(relay.ListConnection[Ship])  # type: ignore[untyped-decorator]
    def ships(self, least: int = 0) -> Iterable[Ship]:
        """A connection."""
        return [ship for number, ship in _SHIPS.items() if number >= least]

    @relay.connection(relay.ListConnection[Ship])  # type: ignore[untyped-decorator]
    async def later(self) -> AsyncIterator[Ship]:
        """A connection of an asynchronous iterator."""
        for ship in _SHIPS.values():
            yield ship

    @strawberry.field
    def broken(self) -> str | None:
        """Fails."""
        raise ValueError("broken")


class Timing(SchemaExtension):
    """A synchronous extension of every field."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        info.context["wrapped"].append(f"{info.parent_type}.{info.field_name} {info.path.key}")
        return _next(root, info, *args, **kwargs)


class Hiding(SchemaExtension):
    """An asynchronous extension that changes values."""

    async def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        value = _next(root, info, *args, **kwargs)
        if hasattr(value, "__await__"):
            value = await value
        return "hidden" if info.field_name == "name" else value

    def get_results(self) -> dict[str, Any]:
        return {"hiding": True}


EXTENSIONS: dict[str, list[Any]] = {"none": [], "sync": [Timing], "both": [Timing, Hiding]}


class Silent(strawberry.Schema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


class Planned(PlanningSchema):
    """The same, executed by plans."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


SCHEMAS = {
    name: (Planned(Query, extensions=extensions), Silent(Query, extensions=extensions))
    for name, extensions in EXTENSIONS.items()
}
ID = relay.to_base64("Ship", 3)

OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "a page": (
        """query ($first: Int, $after: String) { ships(first: $first, after: $after) {
             pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
             edges { cursor node { id name } } } }""",
        {"first": 2, "after": relay.to_base64("arrayconnection", 0)},
    ),
    "a page of what comes later": ("{ later(last: 2) { edges { node { name where } } } }", {}),
    "by id": (
        """query ($id: ID!) { node(id: $id) { __typename id ... on Ship { name loud(end: "?") both } }
             nodes(ids: [$id, $id]) { id } }""",
        {"id": ID},
    ),
    "one that is not there": ("query ($id: ID!) { node(id: $id) { id } }", {"id": relay.to_base64("Ship", 77)}),
    "its place": ("{ ships(least: 3) { edges { node { here: where where } } } }", {}),
    "what is selected": (
        """query ($depth: Int = 2, $skip: Boolean!) { ships(first: 2) { edges { node {
             more: asked(depth: $depth) { name @skip(if: $skip) ...F ... on Ship { id } } } } } }
           fragment F on Ship { asked { loud(end: ".") } }""",
        {"skip": True},
    ),
    "permissions": ("{ ships(first: 2) { edges { node { secret name } } } broken }", {}),
    "parents": ("{ ships(first: 1) { edges { node { typed } } } }", {}),
}


@pytest.mark.parametrize("may_read", [True, False])
@pytest.mark.parametrize("extensions", EXTENSIONS)
@pytest.mark.parametrize("name", OPERATIONS)
async def test_results_are_equal(name: str, extensions: str, may_read: bool) -> None:
    text, variables = OPERATIONS[name]
    planned, interpreted = SCHEMAS[extensions]
    contexts: list[dict[str, Any]] = [{"may_read": may_read, "resolved": [], "wrapped": []} for _ in range(2)]
    with no_fallback() as count:
        ours = await planned.execute(text, dict(variables), context_value=contexts[0])
        assert count() == 1
    theirs = await interpreted.execute(text, dict(variables), context_value=contexts[1])
    check_equivalent(ours, theirs)
    assert ours.extensions == theirs.extensions
    for key in ("resolved", "wrapped"):
        assert sorted(contexts[0][key]) == sorted(contexts[1][key])
    if extensions != "none":
        assert contexts[0]["wrapped"], "the extension was called"
    if name == "permissions":
        assert [error.message for error in ours.errors or []].count("not for you") == (0 if may_read else 2)


class ForbiddenField(SchemaExtension):
    """An extension that fails one field."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        if info.field_name == "name":
            raise PermissionError("no names")
        return _next(root, info, *args, **kwargs)


@strawberry.type
class Sailing:
    @strawberry.subscription
    async def sailed(self) -> AsyncIterator[Ship | None]:
        """Two of them."""
        for number in (1, 2):
            yield _SHIPS[number]


@pytest.mark.parametrize("kind", [Planned, Silent])
async def test_extensions_wrap_fields_of_events(kind: type[strawberry.Schema]) -> None:
    schema = kind(Query, subscription=Sailing, extensions=[ForbiddenField])
    stream: Any = await schema.subscribe("subscription { sailed { typed name } }", context_value=SimpleNamespace())
    events = [(one.data, [error.message for error in one.errors]) async for one in stream]
    assert events == [({"sailed": None}, ["no names"])] * 2


Number = NewType("Number", int)


@strawberry.interface
class Happening:
    number: Number


@strawberry.type
class Sale(Happening):
    """A hashable event, so that results for it are cached."""

    def __hash__(self) -> int:
        return hash(self.number)


@strawberry.type
class Happenings:
    @strawberry.subscription
    async def happened(self) -> AsyncIterator[Happening]:
        """One event."""
        yield Sale(number=Number(3))


async def test_event_results_are_cached_for_one_schema() -> None:
    """Two schemas have different results for the same text and event."""
    results = []
    for way in ("one {}", "another {}"):
        config = StrawberryConfig(scalar_map={Number: strawberry.scalar(name="Number", serialize=way.format)})
        schema = Planned(Query, subscription=Happenings, types=[Sale], config=config)
        stream: Any = await schema.subscribe("subscription { happened { number } }")
        results += [msgspec.json.decode(msgspec.json.encode(one.data)) async for one in stream]
    assert results == [{"happened": {"number": "one 3"}}, {"happened": {"number": "another 3"}}]
