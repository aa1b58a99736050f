"""Schema with every use of `@cost` and `@listSize`."""

from typing import Annotated, Any

import strawberry

from gateway.execution.cost.directives import Cost, ListSize


def _unexecuted(*directives: object, kind: Any) -> Any:
    """Return a field that is never executed."""
    return strawberry.field(resolver=lambda: None, directives=directives, graphql_type=kind)


@strawberry.input
class Inner:
    """A recursive input."""

    name: str = ""
    heavy: int | None = strawberry.field(default=None, directives=[Cost(weight="7")])
    more: "list[Inner] | None" = None


@strawberry.input
class Search:
    """An input with a slicing argument."""

    first: int = 3
    sorted_by: int = strawberry.field(default=1, directives=[Cost(weight="2")])
    words: list[str] | None = None
    inner: Inner | None = None


Later = Annotated["Thing", strawberry.lazy("tests.unit.execution.schemas.cost")]


@strawberry.type
class Page:
    """A type with a list in `sizedFields`, and one that is not."""

    items: list[Later] = _unexecuted(kind=list[Later])
    others: list[Later] = _unexecuted(kind=list[Later])
    total: int = 0


@strawberry.interface
class Named:
    """An interface of two types."""

    id: strawberry.ID

    @strawberry.field
    def said(self) -> str:
        """A field whose cost each possible type declares."""
        return ""

    @strawberry.field
    def page(self) -> Page:
        """A field whose list size each possible type declares."""
        raise NotImplementedError


@strawberry.type
class Dear(Named):
    """The possible type with the larger cost in most selections."""

    said: str = _unexecuted(Cost(weight="50"), kind=str)  # type: ignore[assignment]
    page: Page = _unexecuted(ListSize(assumed_size=2, sized_fields=["items"]), kind=Page)  # type: ignore[assignment]
    deep: Later | None = _unexecuted(kind=Later | None)


@strawberry.type
class Cheap(Named):
    """The possible type whose own fields cost nothing."""

    page: Page = _unexecuted(ListSize(assumed_size=30, sized_fields=["items"]), kind=Page)  # type: ignore[assignment]
    things: list[Later] = _unexecuted(kind=list[Later])


@strawberry.type(directives=[Cost(weight="4")])
class Heavy:
    """A type with a weight above 1."""

    id: strawberry.ID


@strawberry.type
class Thing:
    """A recursive type."""

    id: strawberry.ID
    tags: list[str]
    next: Later | None = _unexecuted(kind=Later | None)
    things: list[Later] = _unexecuted(kind=list[Later])
    grid: list[list[Later]] = _unexecuted(ListSize(assumed_size=3), kind=list[list[Later]])
    ten: list[Later] = _unexecuted(ListSize(assumed_size=12), kind=list[Later])
    slow: int = _unexecuted(Cost(weight="5"), kind=int)
    heavy: list[Heavy] = _unexecuted(kind=list[Heavy])
    named: list[Named] = _unexecuted(kind=list[Named])


def _paged(*names: str, **more: Any) -> Any:
    def resolve(first: int | None = 20, last: int | None = None, ids: list[int] | None = None) -> None: ...

    size = ListSize(slicing_arguments=list(names), **more)
    return strawberry.field(resolver=resolve, directives=[size], graphql_type=Page if more else list[Thing])


@strawberry.type
class Query:
    """The root."""

    thing: Thing | None = _unexecuted(Cost(weight="10"), kind=Thing | None)
    either: Annotated[Dear | Cheap, strawberry.union("Either")] | None = _unexecuted(
        kind=Annotated[Dear | Cheap, strawberry.union("Either")] | None
    )
    things = _paged("first")
    by_ids = _paged("ids", "last")
    page = _paged("first", "last", sized_fields=["items"], assumed_size=6, require_one_slicing_argument=False)

    @strawberry.field(directives=[ListSize(slicing_arguments=["search.first"])])  # type: ignore[untyped-decorator]
    def search(self, search: Search) -> list[Thing]:
        """Sliced by a field of an input."""
        raise NotImplementedError

    @strawberry.field
    def take(
        self,
        inner: Inner | None = None,
        inners: list[Inner] | None = None,
        number: Annotated[int | None, strawberry.argument(directives=[Cost(weight="3")])] = None,
        numbers: Annotated[list[int] | None, strawberry.argument(directives=[Cost(weight="3")])] = None,
    ) -> int:
        """Arguments that cost something."""
        raise NotImplementedError
