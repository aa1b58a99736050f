"""Scalars that GraphQL does not bring along."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode
from graphql.pyutils import inspect
from strawberry.types.scalar import ScalarDefinition

from gateway.schema import timestamps

T = TypeVar("T")

_LARGEST = 2**53 - 1
_LONGEST_LITERAL = len(str(-_LARGEST))
_SHOWN = 100
"""Characters of what was sent that an error shows."""


class Long(int):
    """Marks the whole numbers that may not fit GraphQL's 32 bits."""


def _write_instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _read_instant(text: Any) -> dt.datetime:
    return _read("DateTime", timestamps.read_instant, text)


def _read_date(text: Any) -> dt.date:
    return _read("Date", timestamps.read_date, text)


def _read(scalar: str, read: Callable[[str], T], text: Any) -> T:
    reason = "expected a string"
    if isinstance(text, str):
        try:
            return read(text)
        except ValueError as error:
            reason = str(error)
    raise _cannot_represent(scalar, text, reason)


def _within(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _LARGEST:
        raise _cannot_represent("Long", number, "expected a whole number below 2^53")
    return number


def _literal(node: ValueNode, _: Any = None) -> int:
    if not isinstance(node, IntValueNode):
        raise GraphQLError("Long cannot represent anything but a whole number", node)
    # Not even read if it is longer: Python reads digits in quadratic time, and refuses thousands of them.
    return _within(int(node.value) if len(node.value) <= _LONGEST_LITERAL else node.value)


def _cannot_represent(scalar: str, value: Any, reason: str) -> GraphQLError:
    shown = inspect(value[:_SHOWN] if isinstance(value, str) else value)[:_SHOWN]
    return GraphQLError(f"{scalar} cannot represent {shown}: {reason}")


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number between -2^53 and 2^53: grams, minor units of a currency, sequences.",
        serialize=_within,
        parse_value=_within,
        parse_literal=_literal,
    ),
    dt.date: strawberry.scalar(
        name="Date",
        description="A day: YYYY-MM-DD (RFC 3339, section 5.6, `full-date`).",
        serialize=dt.date.isoformat,
        parse_value=_read_date,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant (RFC 3339, section 5.6, `date-time`), in UTC with Z when it is shown; any offset is understood."
        ),
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
