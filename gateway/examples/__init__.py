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
    """Whom an example is for, in the order of the menu."""

    CUSTOMER = "customer"
    ADMIN = "admin"
    STAFF = "staff"
    PARTNER = "partner"


class _Header(msgspec.Struct, rename={"audience": "for"}, forbid_unknown_fields=True):
    """The comments at the top of a file, as TOML."""

    title: str
    audience: Audience
    place: int
    shows: str
    find: str | None = None
    scopes: list[str] = []
    variables: dict[str, Any] = {}


class Example(msgspec.Struct, frozen=True, rename={"audience": "for"}):
    """An operation to try out.

    A text ``<...>`` among the ``variables`` is a gap that is filled when the example is used: ``<new>`` with a fresh
    key, any other with the first value of that name in the answer to the query ``find``; what is not found there, one
    fills in oneself. ``scopes`` are what a partner needs.
    """

    name: str
    title: str
    audience: Audience
    description: str
    query: str
    variables: dict[str, Any]
    find: str | None
    scopes: list[str]

    def with_dates(self, clock: Clock) -> "Example":
        """With its days and instants by this clock: ``<today>``, ``<today-30>``, ``<now>``."""
        return msgspec.structs.replace(self, variables=_fill_dates(self.variables, clock.now(), clock.today()))


@functools.cache
def examples() -> tuple[Example, ...]:
    """All of them, in the order of the menu; msgspec.ValidationError for a file that says too little of itself."""
    read = [(_parse(file), file) for file in _FOLDER.glob("*.graphql")]
    groups = list(Audience)
    read.sort(key=lambda one: (groups.index(one[0][0].audience), one[0][0].place, one[1].name))
    return tuple(
        Example(
            name=file.stem,
            title=block.title,
            audience=block.audience,
            description=" ".join(block.shows.split()),
            query=query,
            variables=block.variables,
            find=block.find,
            scopes=block.scopes,
        )
        for (block, query), file in read
    )


def _parse(file: Path) -> tuple[_Header, str]:
    """What a file says of itself, and the operation."""
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
        case str() if found := _TODAY_OFFSET.fullmatch(value):
            return today + dt.timedelta(days=int(found[1] or 0))
    return value
