"""Values that are wrong in every way, and the same for each executor.

A value follows from a seed and its path, so two executors get the same nulls, exceptions, awaitables and values of
wrong types.
"""

import asyncio
import datetime as dt
import decimal
import enum
import hashlib
import uuid
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import strawberry


class Broken(Exception):
    """The exception of a broken attribute or resolver."""


@strawberry.enum
class Color(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = 3


@strawberry.enum
class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 2


class OddValue:
    """A value that no scalar but a string accepts."""

    def __repr__(self) -> str:
        return "odd"


class Thing:
    """An object whose attributes follow from its seed; ``wrong`` of a thousand are wrong.

    Its lists are ``times`` as long; the lists in them are not.
    """

    def __init__(self, kind: str, seed: str, wrong: int, times: int = 1) -> None:
        self.kind = kind
        self.seed = seed
        self.wrong = wrong
        self.times = times

    def dice(self, name: str, sides: int) -> int:
        """Return a number below ``sides`` that depends on the seed and the name."""
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{name}".encode(), digest_size=6).digest(), "big") % sides

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in VALUES:
            raise AttributeError(name)
        return VALUES[name](self, name)

    def thing(self, kind: str, name: str) -> "Thing":
        return Thing(kind, f"{self.seed}.{name}", self.wrong, self.times)

    def maybe_wrong(self, name: str, value: Any) -> Any:
        """Return the value, or a wrong one."""
        if self.dice(f"{name}?", 1000) >= self.wrong:
            return value
        return WRONG[self.dice(f"{name}!", len(WRONG))](value)


class LeafThing(Thing):
    """The class for types whose ``is_type_of`` checks the class alone."""


class LaterValue:
    """An awaitable that returns its value or raises its exception."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "later"

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


async def _one_by_one(value: Any) -> AsyncIterator[Any]:
    for item in value if isinstance(value, list) else [value]:
        yield item


def _raises(_: Any) -> Any:
    raise Broken("attribute")


WRONG: list[Callable[[Any], Any]] = [
    lambda _: None,
    lambda _: Broken("as a value"),
    _raises,
    LaterValue,
    lambda _: LaterValue(None),
    lambda _: LaterValue(Broken("later")),
    lambda value: (one for one in value) if isinstance(value, list) else OddValue(),
    lambda value: tuple(value) if isinstance(value, list) else {"a": 1},
    lambda value: _one_by_one(value) if isinstance(value, list) else [value],
    lambda _: "text",
    lambda _: 1 << 40,
    lambda _: 3,
    lambda _: float("nan"),
    lambda _: True,
    lambda _: [],
    lambda value: [value, None],
]


def _scalar(make: Callable[[Thing, str], Any]) -> Callable[[Thing, str], Any]:
    return lambda thing, name: thing.maybe_wrong(name, make(thing, name))


def _several(make: Callable[[Thing, str], Any], most: int = 4) -> Callable[[Thing, str], Any]:
    def values(thing: Thing, name: str) -> Any:
        many = thing.dice(f"{name}#", most) * thing.times
        one = type(thing)(thing.kind, thing.seed, thing.wrong)
        return thing.maybe_wrong(
            name, [thing.maybe_wrong(f"{name}{index}", make(one, f"{name}{index}")) for index in range(many)]
        )

    return values


def branch(thing: Thing, name: str) -> Any:
    return thing.thing("Branch", name)


def leaf(thing: Thing, name: str) -> Any:
    return LeafThing("Leaf", f"{thing.seed}.{name}", thing.wrong, thing.times)


def _any(thing: Thing, name: str) -> Any:
    return (branch, leaf)[thing.dice(name, 2)](thing, name)


VALUES: dict[str, Callable[[Thing, str], Any]] = {
    "id": _scalar(lambda thing, _: thing.seed),
    "text": _scalar(lambda thing, name: f"text {thing.dice(name, 9)}"),
    "number": _scalar(lambda thing, name: thing.dice(name, 100) - 50),
    "fraction": _scalar(lambda thing, name: thing.dice(name, 100) / 7),
    "flag": _scalar(lambda thing, name: thing.dice(name, 2) == 1),
    "color": _scalar(lambda thing, name: list(Color)[thing.dice(name, 3)]),
    "size": _scalar(lambda thing, name: list(Size)[thing.dice(name, 2)]),
    "day": _scalar(lambda thing, name: dt.date(2026, 1, 1 + thing.dice(name, 28))),
    "moment": _scalar(lambda thing, name: dt.datetime(2026, 3, 1 + thing.dice(name, 28), tzinfo=dt.UTC)),
    "amount": _scalar(lambda thing, name: decimal.Decimal(thing.dice(name, 1000)) / 100),
    "key": _scalar(lambda thing, name: uuid.UUID(int=thing.dice(name, 1 << 40))),
    "numbers": _several(lambda thing, name: thing.dice(name, 9)),
    "matrix": _several(lambda thing, name: [thing.dice(name, 5), thing.maybe_wrong(name + "x", 7)]),
    "must_text": _scalar(lambda thing, name: f"must {thing.dice(name, 9)}"),
    "must_number": _scalar(lambda thing, name: thing.dice(name, 9)),
    "branch": _scalar(branch),
    "must_branch": _scalar(branch),
    "leaf": _scalar(leaf),
    "must_leaf": _scalar(leaf),
    "leaves": _several(leaf),
    "must_leaves": _several(leaf),
    "branches": _several(branch, 3),
    "anything": _scalar(_any),
    "either": _several(_any, 3),
    "nodes": _several(_any, 3),
    "keyword": _scalar(lambda *_: "a keyword"),
}
