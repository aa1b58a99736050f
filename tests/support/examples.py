"""Use of the gateway's examples as on its page: gaps are filled from the response to ``find``, or by hand."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.chassis.ids import new_uuid

_GAP = re.compile(r"<([A-Za-z]+)>")


def gaps(value: Any) -> set[str]:
    """Return the names of the gaps that are left in an example's variables."""
    return {match[1] for text in _texts(value) if (match := _GAP.fullmatch(text))}


def fill_gaps(value: Any, response: Any, by_hand: Mapping[str, str]) -> Any:
    """Fill the gaps in variables, as far as their names are found in the response."""
    match value:
        case dict():
            return {name: fill_gaps(item, response, by_hand) for name, item in value.items()}
        case list():
            return [fill_gaps(item, response, by_hand) for item in value]
        case "<new>":
            return str(new_uuid())
        case str() if gap := _GAP.fullmatch(value):
            return by_hand.get(gap[1]) or next(_values(gap[1], response), value)
    return value


def _values(name: str, response: Any) -> Iterator[Any]:
    """Iterate over the values of this name in a response, from top to bottom."""
    for key, item in response.items() if isinstance(response, dict) else ():
        if key == name and item is not None and not isinstance(item, dict | list):
            yield item
        yield from _values(name, item)
    for item in response if isinstance(response, list) else ():
        yield from _values(name, item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
