"""Row parser: converts cells to the types of a kind of file, and validates texts as those that a person types."""

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
"""Characters of a cell at most in a reason."""
_MAX_CELL = 1000
"""Characters at most of a cell whose type has no limit: a number, a day, an enum's name."""
_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
"""First characters by which a spreadsheet recognises a formula (CWE-1236); cells are stripped before."""


class RowError(msgspec.Struct, frozen=True):
    """Reason why a row is bad."""

    field: str
    """The column."""
    code: str
    params: Mapping[str, str] = {}
    """Params of the code's text in ``texts``."""
    retryable: bool = False
    """Whether the row refers to a record that may still arrive."""


def row_error(field: str, code: str, *, retryable: bool = False, **params: object) -> RowError:
    """Return a RowError with shortened params."""
    return RowError(field, code, {name: str(value)[:MAX_SHOWN] for name, value in params.items()}, retryable)


class ColumnDescription(msgspec.Struct, frozen=True):
    """A column of a kind of file, for people who make such files."""

    name: str
    required: bool
    form: str
    """The valid cells, in English."""


class _Column(msgspec.Struct, frozen=True):
    """A column of a kind of file."""

    name: str
    limit: TextLimit
    is_free_text: bool
    """Whether any text is valid, so that it may not be a formula."""
    expected: Mapping[str, str]
    """Params of the error for a malformed cell."""


def read_row(row: type[R], cells: Mapping[str, str]) -> R | RowError:
    """Return a parsed row, or the error of its first bad cell. An empty cell counts as absent.

    A text may not begin like a formula, unless its type has a pattern, which then restricts its beginning.
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
        reason, _, path = str(error).partition(" - at `$.")
        if "missing required field" in reason:
            return RowError(reason.split("`")[1], "MISSING")
        column = columns[path.rstrip("`")]
        return RowError(column.name, "MALFORMED", column.expected)


def describe_columns(row: type[msgspec.Struct]) -> list[ColumnDescription]:
    """Return the columns of a kind of file, in order."""
    required = {field.encode_name: field.required for field in msgspec.structs.fields(row)}
    return [ColumnDescription(name, required[name], _form(column)) for name, column in _columns(row).items()]


def _form(column: _Column) -> str:
    expected = column.expected
    match expected.get("reason"):
        case "ONE_OF":
            return f"one of {expected['expected']}"
        case "NUMBER":
            return f"a whole number, {expected['least']} to {expected['most']}"
        case "DATE":
            return "a day, YYYY-MM-DD"
        case "INSTANT":
            return "an instant with its offset (RFC 3339)"
    if expected["expected"]:
        return f"text such as {expected['expected']}"
    return f"text of at most {column.limit.longest} characters"


@functools.cache
def _columns(row: type[msgspec.Struct]) -> Mapping[str, _Column]:
    limits = {name: limit for _, name, limit in limited_fields(row)}
    info = inspect.type_info(row)
    assert isinstance(info, inspect.StructType)
    return {field.name: _column(field, limits.get(field.name)) for field in info.fields}


def _column(field: inspect.Field, limit: TextLimit | None) -> _Column:
    kind, examples = _without_none(field.type)
    if isinstance(kind, inspect.StrType):
        longest = TextLimit(kind.max_length or _MAX_CELL)
        return _Column(field.name, limit or longest, kind.pattern is None, {"expected": examples})
    return _Column(field.name, TextLimit(_MAX_CELL), False, _expected(kind))


def _without_none(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """Return a type without None, and its examples."""
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
