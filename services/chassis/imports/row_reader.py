"""Rows of a file: from the texts of their cells to what a kind of file takes, judged as what a person types is."""

import functools
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import inspect

from services.chassis.rpc.text_limits import limited_fields, problem_of
from services.contracts.values import TextLimit

R = TypeVar("R", bound=msgspec.Struct)

MAX_SHOWN = 100
"""Characters of a cell that are told in a reason."""
_MAX_CELL = 1000
"""Of a cell whose type sets no limit: a number, a day, one word of a few."""
_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
"""What a spreadsheet takes a text for a formula by (CWE-1236). Blanks at a cell's ends are left out before."""


class RowError(msgspec.Struct, frozen=True):
    """What is wrong with a row: a code and its params (see ``bad_rows.toml``), of this column.

    ``later``: it refers to what is not here yet, and may be right in a moment.
    """

    field: str
    code: str
    params: Mapping[str, str] = {}
    retryable: bool = False


def row_error(field: str, code: str, *, later: bool = False, **params: object) -> RowError:
    """Make a Bad. Texts that are told are cut."""
    return RowError(field, code, {name: str(value)[:MAX_SHOWN] for name, value in params.items()}, later)


class _Column(msgspec.Struct, frozen=True):
    """A column: the limit of its texts, whether any text may stand in it, and what is expected of it."""

    name: str
    limit: TextLimit
    is_free_text: bool
    expected: Mapping[str, str]


def read_row(row: type[R], cells: Mapping[str, str]) -> R | RowError:
    """Read a row, or say what is wrong with its first bad cell. An empty cell is an absent one.

    A text may not begin a formula, unless its type has a pattern, which then says what it may begin with.
    """
    present = {name: text for name, text in cells.items() if text}
    columns = _columns(row)
    for name, text in present.items():
        column = columns[name]
        problem = problem_of(text, column.limit, ())
        if problem is not None:
            return RowError(name, problem.code, problem.params)
        if column.is_free_text and _FORMULA.match(text):
            return row_error(name, "MALFORMED", reason="FORMULA", found=text[0])
    try:
        return msgspec.convert(present, row, strict=False)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        if "missing required field" in reason:
            return RowError(reason.split("`")[1], "MISSING")
        column = columns[place.rstrip("`")]
        return RowError(column.name, "MALFORMED", column.expected)


@functools.cache
def _columns(row: type[msgspec.Struct]) -> Mapping[str, _Column]:
    limits = {name: limit for _, name, limit in limited_fields(row)}
    found = inspect.type_info(row)
    assert isinstance(found, inspect.StructType)
    return {field.name: _column(field, limits.get(field.name)) for field in found.fields}


def _column(field: inspect.Field, limit: TextLimit | None) -> _Column:
    kind, examples = _without_none(field.type)
    if isinstance(kind, inspect.StrType):
        longest = TextLimit(kind.max_length or _MAX_CELL)
        return _Column(field.name, limit or longest, kind.pattern is None, {"expected": examples})
    return _Column(field.name, TextLimit(_MAX_CELL), False, _expected(kind))


def _without_none(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """A type without its None, and the examples of it."""
    if isinstance(kind, inspect.Metadata):
        inner, examples = _without_none(kind.type)
        return inner, ", ".join((kind.extra_json_schema or {}).get("examples", ())) or examples
    if isinstance(kind, inspect.UnionType):
        (inner,) = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        return _without_none(inner)
    return kind, ""


def _expected(kind: inspect.Type) -> Mapping[str, str]:
    if isinstance(kind, inspect.EnumType):
        return {"reason": "ONE_OF", "expected": ", ".join(sorted(one.value for one in kind.cls))}
    if isinstance(kind, inspect.IntType):
        return {"reason": "NUMBER", "least": str(kind.ge), "most": str(kind.le)}
    if isinstance(kind, inspect.DateType):
        return {"reason": "DATE"}
    assert isinstance(kind, inspect.DateTimeType), f"a file has no {kind}"
    return {"reason": "INSTANT", "oldest": "2000"}
