"""Every place in the sources that raises a code, found by their syntax, with the code's params."""

import ast
import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    # The code comes from the domain: its possible values.
    "services/orders/usecases/order_extra_pickup.py": (
        "ALREADY_PLANNED",
        "IN_THE_PAST",
        "NOT_ON_ROUTE",
        "PAST_CUT_OFF",
    ),
    # A remembered code: one that the use case gave before.
    "services/identity/usecases/invite_members.py": (),
    # Functions for problems of any code, and conversions of errors that are raised elsewhere.
    "gateway/errors.py": (),
    "gateway/http/session.py": (),
    "services/contracts/values.py": (),
}


REASONS = {"services/chassis/imports/export_files.py": ("MISSING_COLUMNS", "REPEATED_COLUMNS", "UNKNOWN_COLUMNS")}
"""The values of reasons that are known at run time only; elsewhere all reasons of the code."""


class RaisedCode(NamedTuple):
    """A code that a place raises. ``reason`` is None for none, "*" for any of the code."""

    place: str
    code: str
    reason: str | None
    params: frozenset[str]


@functools.cache
def raised_codes() -> list[RaisedCode]:
    """Return all raised codes; ValueError for a place that can't be analysed."""
    paths = itertools.chain(*((ROOT / folder).rglob("*.py") for folder in ("services", "gateway")))
    # A nested function is visited from the outer one, too.
    return sorted({one for path in paths for one in _in_file(path)}, key=str)


def _in_file(path: Path) -> Iterator[RaisedCode]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = str(path.relative_to(ROOT))
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and (found := _raised_by(call)) is not None:
                code, params = found
                place = f"{name}:{call.lineno}"
                known = constants.get(code.id) if isinstance(code, ast.Name) else getattr(code, "value", None)
                codes = [known] if isinstance(known, str) else ELSEWHERE.get(name)
                if codes is None:
                    raise ValueError(f"{place}: which code is it?")
                for given in _alternatives(params, function, place) if codes else ():
                    for one, reason in itertools.product(codes, _reasons(given, name)):
                        yield RaisedCode(place, one, reason, frozenset(given))


def _raised_by(call: ast.Call) -> tuple[ast.expr, list[ast.keyword]] | None:
    """Return the expression of the code, and the params, of a call that raises one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    keywords = {one.arg: one.value for one in call.keywords if one.arg}
    given = [one for one in call.keywords if one.arg not in ("retryable", "path")]
    inside = [ast.keyword(None, keywords["params"])] if "params" in keywords else []
    match name:
        case "refuse" if call.args:
            return call.args[0], given
        case "Problem" if "code" in keywords:
            return keywords["code"], inside
        case "malformed" | "MalformedInput":
            return ast.Constant("MALFORMED"), given
        case "RequestError" | "OperationError":
            return call.args[1], given
        case "__init__" if len(call.args) > 1 and isinstance(call.args[0], ast.Constant):
            return call.args[1], given
        case "problem_response":
            return call.args[2], inside
        case "InvalidUpload":
            return _of_upload(call.args[0], keywords, given)
        case "InvalidFile":
            return ast.Constant("WRONG_FILE"), [ast.keyword("reason", call.args[0]), *given]
        case _:
            return None


def _of_upload(
    problem: ast.expr, keywords: dict[str, ast.expr], given: list[ast.keyword]
) -> tuple[ast.expr, list[ast.keyword]] | None:
    """Return the code that ``services/hosting/file_resource.py`` makes of a refused upload."""
    if not isinstance(problem, ast.Attribute):
        return None
    if problem.attr == "TOO_LARGE":
        return ast.Constant("TOO_LARGE"), given
    code = "MALFORMED" if "field" in keywords else "WRONG_FILE"
    params = [one for one in given if one.arg != "field"]
    return ast.Constant(code), [ast.keyword("reason", ast.Constant(problem.attr)), *params]


def _alternatives(
    params: list[ast.keyword], function: ast.FunctionDef | ast.AsyncFunctionDef, place: str
) -> Iterator[dict[str, ast.expr]]:
    """Return the params by name, several alternatives if a variable has several values; None if they are forwarded."""
    named: dict[str, ast.expr] = {one.arg: one.value for one in params if one.arg}
    merged = [list(_values(one.value, function, place)) for one in params if one.arg is None]
    for chosen in itertools.product(*merged):
        yield named | {name: value for one in chosen for name, value in one.items()}


def _values(
    value: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef, place: str
) -> Iterator[dict[str, ast.expr]]:
    match value:
        case ast.Dict():
            pairs = {
                str(key.value): one
                for key, one in zip(value.keys, value.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            if len(pairs) == len(value.keys):  # else some are forwarded
                yield pairs
        case ast.Name():
            assigned = [
                node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign)
                and any(isinstance(one, ast.Name) and one.id == value.id for one in node.targets)
            ]
            if not assigned:
                raise ValueError(f"{place}: which params are they?")
            for one in assigned:
                yield from _values(one, function, place)
        case ast.Attribute():
            return  # a problem that is raised elsewhere
        case _:
            raise ValueError(f"{place}: which params are they?")


def _reasons(params: dict[str, ast.expr], name: str) -> Sequence[str | None]:
    reason = params.get("reason")
    if reason is None:
        return [None]
    return [str(reason.value)] if isinstance(reason, ast.Constant) else REASONS.get(name, ["*"])
