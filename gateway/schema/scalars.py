"""Scalars beyond those of the GraphQL specification."""

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

_RFC_3339 = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"
_MAX_LONG = 2**53 - 1
_MAX_LITERAL_LENGTH = len(str(-_MAX_LONG))
_MAX_ECHO = 100
"""Characters of an invalid value that an error shows."""


class Long(int):
    """The annotation of integers that may not fit into the 32 bits of Int."""


class Json:
    """The annotation of values that may be any JSON."""


class EmailAddress(str):
    """The annotation of e-mail addresses."""


class PhoneNumber(str):
    """The annotation of telephone numbers."""


TEXT_SCALARS = {"EmailAddress": EmailAddress, "PhoneNumber": PhoneNumber}
"""Scalars for ``TextFormat``."""


def _serialize_instant(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _parse_instant(text: Any) -> dt.datetime:
    return _parse("DateTime", timestamps.parse_instant, text)


def _parse_date(text: Any) -> dt.date:
    return _parse("Date", timestamps.parse_date, text)


def _parse(scalar: str, parser: Callable[[str], T], text: Any) -> T:
    reason = "expected a string"
    if isinstance(text, str):
        try:
            return parser(text)
        except ValueError as error:
            reason = str(error)
    raise _cannot_represent(scalar, text, reason)


def _coerce_long(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _MAX_LONG:
        raise _cannot_represent("Long", number, "expected a whole number below 2^53")
    return number


def _parse_long_literal(node: ValueNode, _: Any = None) -> int:
    if not isinstance(node, IntValueNode):
        raise GraphQLError("Long cannot represent anything but a whole number", node)
    # A longer literal is not parsed: Python parses digits in quadratic time, and refuses thousands of them.
    return _coerce_long(int(node.value) if len(node.value) <= _MAX_LITERAL_LENGTH else node.value)


def _coerce_text(scalar: str) -> Callable[[Any], str]:
    def coerce(text: Any) -> str:
        if not isinstance(text, str):
            raise _cannot_represent(scalar, text, "expected a string")
        return text

    return coerce


def _text_scalar(name: str, form: str, url: str) -> ScalarDefinition:
    """Return the scalar of a text whose owner checks the form, to name all problems of an input at once."""
    return strawberry.scalar(
        name=name,
        description=f"{form} An input of another form is refused with MALFORMED.",
        specified_by_url=url,
        serialize=_coerce_text(name),
        parse_value=_coerce_text(name),
    )


def _cannot_represent(scalar: str, value: Any, reason: str) -> GraphQLError:
    echo = inspect(value[:_MAX_ECHO] if isinstance(value, str) else value)[:_MAX_ECHO]
    return GraphQLError(f"{scalar} cannot represent {echo}: {reason}")


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number between -2^53 and 2^53, exclusive: grams, minor units of a currency, sequences.",
        serialize=_coerce_long,
        parse_value=_coerce_long,
        parse_literal=_parse_long_literal,
    ),
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value (RFC 8259).",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
    dt.date: strawberry.scalar(
        name="Date",
        description="A calendar date, YYYY-MM-DD (RFC 3339, section 5.6, `full-date`).",
        specified_by_url=_RFC_3339,
        serialize=dt.date.isoformat,
        parse_value=_parse_date,
    ),
    dt.datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant (RFC 3339, section 5.6, `date-time`). Results are in UTC, with Z; inputs may have any offset."
        ),
        specified_by_url=_RFC_3339,
        serialize=_serialize_instant,
        parse_value=_parse_instant,
    ),
    EmailAddress: _text_scalar(
        "EmailAddress",
        "An e-mail address (RFC 5321, section 4.1.2, `Mailbox`) of at most 254 characters.",
        "https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2",
    ),
    PhoneNumber: _text_scalar(
        "PhoneNumber",
        "A telephone number of ITU-T E.164 without spaces: a plus, the country code and the number, 7 to 15 digits.",
        "https://www.itu.int/rec/T-REC-E.164",
    ),
}

PASSTHROUGH_SCALARS: dict[str, Any] = {
    "Date": dt.date,
    "DateTime": dt.datetime,
    "EmailAddress": str,
    "JSON": Any,
    "PhoneNumber": str,
    "Long": Annotated[int, msgspec.Meta(ge=-_MAX_LONG, le=_MAX_LONG)],
}
"""Scalars that services encode as the graph does (instants in UTC), with the types to decode them as."""
