"""Uses the gateway's examples as its page does: gaps are filled from the answer to ``find``, or by hand."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.chassis.ids import new_uuid

_GAP = re.compile(r"<([A-Za-z]+)>")


def gaps(value: Any) -> set[str]:
    """The names of the gaps that are left in an example's variables."""
    return {found[1] for text in _texts(value) if (found := _GAP.fullmatch(text))}


def fill_gaps(value: Any, answer: Any, by_hand: Mapping[str, str]) -> Any:
    """Variables without gaps, as far as their names are found."""
    match value:
        case dict():
            return {name: fill_gaps(one, answer, by_hand) for name, one in value.items()}
        case list():
            return [fill_gaps(one, answer, by_hand) for one in value]
        case "<new>":
            return str(new_uuid())
        case str() if gap := _GAP.fullmatch(value):
            return by_hand.get(gap[1]) or next(_values(gap[1], answer), value)
    return value


def _values(name: str, answer: Any) -> Iterator[Any]:
    """The values of this name in an answer, from top to bottom."""
    for key, one in answer.items() if isinstance(answer, dict) else ():
        if key == name and one is not None and not isinstance(one, dict | list):
            yield one
        yield from _values(name, one)
    for one in answer if isinstance(answer, list) else ():
        yield from _values(name, one)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)
