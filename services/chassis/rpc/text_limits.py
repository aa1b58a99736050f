"""Limits of a caller's texts, validated before an operation processes them, and their normal form.

Processing can take much longer than a text's length suggests: the normalisation of 90,000 combining marks takes
seconds, and one U+FDFA becomes 18 characters. So the length is validated first, then the characters. The contracts
state the limits (``TextLimit``).
"""

import functools
import itertools
import re
import types
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import regex

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
_BLANK = regex.compile(r"[\s\p{Default_Ignorable_Code_Point}\u2800]+")
"""Spaces of all kinds, code points that show nothing (The Unicode Standard, section 5.21), and the blank of Braille."""

TextNormaliser = Callable[[Any], Any]
"""Function that returns a value with its texts in normal form; it changes structs in place."""


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


@functools.cache
def text_normaliser(kind: Any) -> TextNormaliser | None:
    """Return the normaliser of a type's values, for valid texts; None for a type without texts to normalise.

    A text of blanks alone becomes empty. Others are normalised (NFC) and trimmed, unless their limit is ``verbatim``.
    An id stays as it is, and so does a text that is too long for its limit, as one of a batch may be.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    normaliser: TextNormaliser | None = None
    if origin is Annotated and isinstance(arguments[1], TextLimit):
        verbatim = arguments[1].verbatim or id_type(kind) is not None
        normaliser = functools.partial(_normal_form, TextLimit(arguments[1].longest, verbatim=verbatim))
    elif origin is Annotated:
        normaliser = text_normaliser(arguments[0])
    elif origin in (Union, types.UnionType):
        if of_member := next(filter(None, map(text_normaliser, arguments)), None):
            normaliser = lambda value: None if value is None else of_member(value)  # noqa: E731
    elif origin is list and id_type(arguments[0]) is None:
        if of_item := text_normaliser(arguments[0]):
            normaliser = lambda value: [of_item(item) for item in value]  # noqa: E731
    elif _is_struct(kind):
        fields = [(field.name, one) for field in msgspec.structs.fields(kind) if (one := text_normaliser(field.type))]
        normaliser = functools.partial(_normalise_fields, fields) if fields else None
    return normaliser


def _normalise_fields(fields: Sequence[tuple[str, TextNormaliser]], value: Any) -> Any:
    for name, normalise in fields:
        msgspec.structs.force_setattr(value, name, normalise(getattr(value, name)))
    return value


def _normal_form(limit: TextLimit, text: str) -> str:
    if len(text) > limit.longest:
        return text
    if _BLANK.fullmatch(text):
        return ""
    return text if limit.verbatim else unicodedata.normalize("NFC", text).strip()


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
