"""How a schema says what is costly: the directives of the GraphQL cost directives specification.

https://ibm.github.io/graphql-specs/cost-spec.html; `gateway.execution.cost.compiler` says how they are understood.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.schema_directive import Location

_Directive = TypeVar("_Directive")


@strawberry.schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
    description="What this adds to the cost of an operation: a whole number.",
)
class Cost:
    """``weight``: a whole number of 0 or more; a string, as the specification has it."""

    weight: str

    def __post_init__(self) -> None:
        if not (self.weight.isascii() and self.weight.isdigit()):
            raise ValueError(f"@cost(weight: {self.weight!r}) is no whole number of 0 or more")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many items a list has; `slicingArguments` say it for this field, or for `sizedFields` below it.",
)
class ListSize:
    """``slicing_arguments`` are numbers or lists (then their length counts); ``input.some`` is a field of an input.

    ``assumed_size`` counts where none is given. ``sized_fields``: the list is not the field itself, but these fields of
    its value. ``require_one_slicing_argument``: an operation that gives none, or several, is not valid; defaults count
    as given.
    """

    assumed_size: int | None = UNSET
    slicing_arguments: list[str] | None = UNSET
    sized_fields: list[str] | None = UNSET
    require_one_slicing_argument: bool | None = True


def weight_of(definition: Any, otherwise: int) -> int:
    """The weight of what graphql-core defines (a type, a field, an argument), if it has one of its own."""
    cost = _directive(definition, Cost)
    return otherwise if cost is None else int(cost.weight)


def list_size_of(definition: Any) -> ListSize | None:
    """What a field says of the size of lists."""
    return _directive(definition, ListSize)


def _directive(definition: Any, kind: type[_Directive]) -> _Directive | None:
    declared: Iterable[object] = getattr(definition.extensions.get("strawberry-definition"), "directives", None) or ()
    return next((one for one in declared if isinstance(one, kind)), None)
