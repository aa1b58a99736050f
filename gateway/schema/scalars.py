"""Scalars that GraphQL does not bring along."""

import datetime as dt
from typing import Annotated, Any

import msgspec
import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

_LARGEST = 2**53 - 1


class Long(int):
    """Marks the whole numbers that may not fit GraphQL's 32 bits."""


def _write_instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _read_instant(text: Any) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise GraphQLError(f"DateTime cannot represent {text!r}: expected RFC 3339") from None
    if instant.tzinfo is None:
        raise GraphQLError(f"DateTime cannot represent {text!r}: the offset is missing")
    return instant.astimezone(dt.UTC)


def _within(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _LARGEST:
        raise GraphQLError(f"Long cannot represent {number!r}: expected a whole number below 2^53")
    return number


def _literal(node: ValueNode, _: Any = None) -> int:
    if not isinstance(node, IntValueNode):
        raise GraphQLError("Long cannot represent anything but a whole number", node)
    return _within(int(node.value))


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number between -2^53 and 2^53: grams, minor units of a currency, sequences.",
        serialize=_within,
        parse_value=_within,
        parse_literal=_literal,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description="An instant (RFC 3339), in UTC with Z when it is shown; any offset is understood.",
        serialize=_write_instant,
        parse_value=_read_instant,
    ),
}

SAME_SCALARS: dict[str, Any] = {
    "Date": dt.date,
    "DateTime": dt.datetime,
    "Long": Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)],
}
"""Those that services write as the graph does (instants in UTC), with the types to read them as."""
