"""Examples: an operation for each journey of a customer, an admin, a staff member and a partner."""

import datetime as dt
import enum
import functools
import re
from pathlib import Path
from typing import Any

import msgspec

from services.chassis.runtime.clock import Clock

_FOLDER = Path(__file__).parent
_TODAY_OFFSET = re.compile(r"<today([+-]\d+)?>")


class Audience(enum.Enum):
    """The users of an example, in the order of the menu."""

    CUSTOMER = "customer"
    ADMIN = "admin"
    STAFF = "staff"
    PARTNER = "partner"


class _Header(msgspec.Struct, rename={"audience": "for"}, forbid_unknown_fields=True):
    """The TOML in the comments at the top of a file."""

    title: str
    audience: Audience
    place: int
    shows: str
    find: str | None = None
    scopes: list[str] = []
    variables: dict[str, Any] = {}


class Example(msgspec.Struct, frozen=True, rename={"audience": "for"}):
    """An operation to try out.

    A text ``<...>`` among the variables is a placeholder. ``<new>`` is replaced by a new key, any other by the first
    value of that name in the response to the query ``find``. The user fills in what is missing there.
    """

    name: str
    title: str
    audience: Audience
    description: str
    query: str
    variables: dict[str, Any]
    find: str | None
    scopes: list[str]
    """The scopes that a partner needs."""

    def with_dates(self, clock: Clock) -> "Example":
        """Replace the placeholders ``<today>``, ``<today-30>`` and ``<now>`` by dates and times of a clock."""
        return msgspec.structs.replace(self, variables=_fill_dates(self.variables, clock.now(), clock.today()))


@functools.cache
def examples() -> tuple[Example, ...]:
    """Return all examples in the order of the menu; msgspec.ValidationError for a file with an invalid header."""
    parsed = [(*_parse(file), file) for file in _FOLDER.glob("*.graphql")]
    groups = list(Audience)
    parsed.sort(key=lambda entry: (groups.index(entry[0].audience), entry[0].place, entry[2].name))
    return tuple(
        Example(
            name=file.stem,
            title=header.title,
            audience=header.audience,
            description=" ".join(header.shows.split()),
            query=query,
            variables=header.variables,
            find=header.find,
            scopes=header.scopes,
        )
        for header, query, file in parsed
    )


def _parse(file: Path) -> tuple[_Header, str]:
    """Return the header of a file, and the operation."""
    comments, _, query = file.read_text(encoding="utf-8").partition("\n\n")
    toml = "\n".join(line.removeprefix("#").removeprefix(" ") for line in comments.splitlines())
    try:
        return msgspec.toml.decode(toml, type=_Header), query
    except msgspec.DecodeError as error:
        raise msgspec.ValidationError(f"{file.name}: {error}") from None


def _fill_dates(value: Any, now: dt.datetime, today: dt.date) -> Any:
    match value:
        case dict():
            return {name: _fill_dates(one, now, today) for name, one in value.items()}
        case list():
            return [_fill_dates(one, now, today) for one in value]
        case "<now>":
            return now.replace(microsecond=0)
        case str() if match := _TODAY_OFFSET.fullmatch(value):
            return today + dt.timedelta(days=int(match[1] or 0))
    return value
