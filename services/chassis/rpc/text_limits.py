"""Limits of a caller's texts, validated before an operation processes them.

Processing can take much longer than a text's length suggests: the normalisation of 90,000 combining marks takes
seconds, and one U+FDFA becomes 18 characters. So the length is validated first, then the characters. The contracts
state the limits (``TextLimit``).
"""

import functools
import itertools
import re
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from services.chassis.rpc.id_inputs import id_type
from services.contracts.values import Batch, Problem, TextLimit

TextValidator = Callable[[Any], list[Problem]]
"""Function that returns the problems of a value's texts; a path begins inside the value."""

MAX_PROBLEMS = 10
"""Reported problems of a value at most."""

_Find = Callable[[Any, tuple[str, ...]], Iterator[Problem]]

_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_FORBIDDEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069" + _NONCHARACTERS
)
_FORBIDDEN_IN_LINES = re.compile(f"[{_FORBIDDEN}]")
_FORBIDDEN_IN_A_LINE = re.compile(f"[{_FORBIDDEN}\t\n\r\u2028\u2029]")


def problem_of(text: str, limit: TextLimit, path: Sequence[str]) -> Problem | None:
    """Return MALFORMED with the ``reason`` TOO_LONG or CHARACTERS for a text that violates its limit, else None."""
    if len(text) > limit.longest:
        params = {"reason": "TOO_LONG", "longest": str(limit.longest)}
    elif text.isprintable() or not (_FORBIDDEN_IN_LINES if limit.lines else _FORBIDDEN_IN_A_LINE).search(text):
        return None
    else:
        params = {"reason": "CHARACTERS"}
    return Problem(code="MALFORMED", path=list(path), params=params)


@functools.cache
def text_validator(kind: Any) -> TextValidator:
    """Return the validator of a type's values, for instance of an operation's arguments."""
    find = _finder_of(kind)
    return lambda value: list(itertools.islice(find(value, ()), MAX_PROBLEMS)) if find else []


def unlimited_texts(kind: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of a type's texts without a limit."""
    if get_origin(kind) is Annotated and isinstance(get_args(kind)[1], TextLimit):
        return
    if kind is str:
        yield path
    elif _is_struct(kind):
        for field in msgspec.structs.fields(kind):
            yield from unlimited_texts(field.type, f"{path}.{field.encode_name}".lstrip("."))
    else:
        for part in get_args(kind):
            yield from unlimited_texts(part, path)


def limited_fields(kind: Any) -> Iterator[tuple[type[msgspec.Struct], str, TextLimit]]:
    """Yield the structs in a type, with the wire name and the limit of each limited field."""
    for struct in _structs_in(kind):
        for field in msgspec.structs.fields(struct):
            limit = _limit_in(field.type)
            if limit is not None:
                yield struct, field.encode_name, limit


def _finder_of(kind: Any) -> _Find | None:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        if isinstance(arguments[1], TextLimit):
            return _text_finder(arguments[1])
        return None if Batch() in arguments[1:] else _finder_of(arguments[0])
    if origin in (Union, types.UnionType):
        finds = [find for one in arguments if (find := _finder_of(one)) is not None]
        if len(finds) > 1:
            raise TypeError(f"{kind}: one text or object at most can be judged")
        return _optional_finder(finds[0]) if finds else None
    # Operations treat a malformed id as unknown, and it does not affect the others of its list.
    if origin is list and id_type(arguments[0]) is None:
        find = _finder_of(arguments[0])
        return _list_finder(find) if find else None
    if _is_struct(kind):
        fields = [
            (field.name, field.encode_name, find)
            for field in msgspec.structs.fields(kind)
            if (find := _finder_of(field.type)) is not None
        ]
        return _struct_finder(fields) if fields else None
    return None


def _text_finder(limit: TextLimit) -> _Find:
    def find(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        problem = problem_of(value, limit, path)
        if problem is not None:
            yield problem

    return find


def _optional_finder(find_in: _Find) -> _Find:
    return lambda value, path: iter(()) if value is None else find_in(value, path)


def _list_finder(find_in: _Find) -> _Find:
    def find(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        for index, item in enumerate(value):
            yield from find_in(item, (*path, str(index)))

    return find


def _struct_finder(fields: Sequence[tuple[str, str, _Find]]) -> _Find:
    def find(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        for name, shown, find_in in fields:
            yield from find_in(getattr(value, name), (*path, shown))

    return find


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if _is_struct(kind):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from _structs_in(field.type)
    else:
        for part in get_args(kind):
            yield from _structs_in(part)


def _limit_in(kind: Any) -> TextLimit | None:
    if isinstance(kind, TextLimit):
        return kind
    return next((limit for part in get_args(kind) if (limit := _limit_in(part)) is not None), None)
