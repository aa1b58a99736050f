"""Directives `@cost` and `@listSize` of the GraphQL cost directives specification.

https://ibm.github.io/graphql-specs/cost-spec.html; `gateway.execution.cost.compiler` evaluates them.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET
from strawberry.schema_directive import Location

from gateway.execution.compat import strawberry_definition

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
    """The weight of a type, a field, an argument or an input field."""

    weight: str
    """A whole number of 0 or more; a string, as in the specification."""

    def __post_init__(self) -> None:
        if not (self.weight.isascii() and self.weight.isdigit()):
            raise ValueError(f"@cost(weight: {self.weight!r}) is no whole number of 0 or more")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many items a list has; `slicingArguments` say it for this field, or for `sizedFields` below it.",
)
class ListSize:
    """The size of a list."""

    assumed_size: int | None = UNSET
    """The size without slicing arguments."""
    slicing_arguments: list[str] | None = UNSET
    """Arguments with the size, as a number or as a list of that length; ``input.some`` is a field of an input."""
    sized_fields: list[str] | None = UNSET
    """The fields of the value that are the lists, if the field itself is none."""
    require_one_slicing_argument: bool | None = True
    """Whether an operation has to give exactly one slicing argument; a default counts as given."""


def weight_of(definition: Any, otherwise: int) -> int:
    """Return the `@cost` of a type, a field, an argument or an input field of graphql-core, or ``otherwise``."""
    cost = _directive(definition, Cost)
    return otherwise if cost is None else int(cost.weight)


def list_size_of(definition: Any) -> ListSize | None:
    """Return the `@listSize` of a field."""
    return _directive(definition, ListSize)


def _directive(definition: Any, kind: type[_Directive]) -> _Directive | None:
    declared: Iterable[object] = getattr(definition.extensions.get(strawberry_definition), "directives", None) or ()
    return next((one for one in declared if isinstance(one, kind)), None)
