"""Descriptions of the graph, made from the contracts: their docstrings and the limits in their annotations.

A type's description is its docstring, a field's the docstring under its attribute. Python does not keep the latter:
it is read from the source, once for each module.
"""

import ast
import enum
import functools
import inspect
import itertools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from strawberry.utils.str_converters import to_camel_case

from services.contracts.values import Doc, IdOf, Length, Page, Range, TextLimit

_REQUIREMENTS = re.compile(r" \((?:[A-Z]\d+(?:, | to )?)+\)")
"""The numbers of the product's requirements, which clients don't know: (I17, L9)."""


def graphql_description(text: str | None) -> str | None:
    """Return a docstring as a GraphQL description, with GraphQL names in place of Python's."""
    translated = re.sub("``(.*?)``", lambda match: f"`{to_camel_case(match[1])}`", text or "")
    return _REQUIREMENTS.sub("", re.sub(r"\bNone\b", "null", translated)) or None


def type_description(kind: type) -> str | None:
    """Return the description of a struct or an enum."""
    return graphql_description(inspect.getdoc(kind))


def union_description(members: Iterable[type]) -> str:
    """Return the description of a union: a line about each member."""
    return "\n".join(f"- `{member.__name__}`: {graphql_description(_first_sentence(member))}" for member in members)


_described_by: dict[type, type] = {}


def describe_attributes_by(kind: type, source: type) -> None:
    """Describe the attributes of a class that is made at run time by those of another one, which stands in a file."""
    _described_by[kind] = source


def attribute_description(kind: type, name: str) -> str | None:
    """Return the description of a struct's field or an enum's value; that of the nearest class that has one."""
    bases = (*kind.__mro__, *(_described_by[kind].__mro__ if kind in _described_by else ()))
    declaring = (base for base in bases if name in vars(base))
    docstrings = (_docstrings(base.__module__).get(base.__name__, {}).get(name) for base in declaring)
    return graphql_description(next(filter(None, docstrings), None))


def input_field_description(struct: type, name: str, annotation: Any) -> str | None:
    """Return the description of an input's field, with its limits."""
    return _join(attribute_description(struct, name), *_limits(annotation))


def argument_description(name: str, annotation: Any) -> str | None:
    """Return the description of an argument, with its limits.

    It is the argument's ``Doc``, else that of the attribute of ``Page`` with its name, else the first sentence about
    its type.
    """
    documented = next((one.text for one in _metadata(annotation) if isinstance(one, Doc)), None)
    if documented is None and name in Page.__struct_fields__:
        return input_field_description(Page, name, get_type_hints(Page, include_extras=True)[name])
    kind = next(filter(_is_described, _types_in(annotation)), None)
    if documented is None and kind is not None:
        documented = _first_sentence(kind)
    return _join(graphql_description(documented), *_limits(annotation))


def _first_sentence(kind: type) -> str:
    return re.split(r"(?<=\.)\s", inspect.getdoc(kind) or "")[0]


def _join(*sentences: str | None) -> str | None:
    return " ".join(filter(None, sentences)) or None


def _limits(annotation: Any) -> Iterator[str]:
    """Yield a sentence for each limit of a text, a number or a list that a caller sends."""
    found = list(_metadata(annotation))
    if any(isinstance(one, IdOf) for one in found):
        return
    unit = "items" if any(get_origin(one) is list for one in _types_in(annotation)) else "characters"
    lengths = [one for one in found if isinstance(one, Length)]
    texts = [one for one in found if isinstance(one, TextLimit)]
    for length in lengths:
        yield f"{length.least} to {length.most:,} {unit}." if length.least else f"At most {length.most:,} {unit}."
    for limit in texts:
        if not lengths:
            yield f"At most {limit.longest:,} characters{' each' if unit == 'items' else ''}."
        if limit.lines:
            yield "Line breaks are allowed."
    for numbers in found:
        if isinstance(numbers, Range):
            yield f"{numbers.least:,} to {numbers.most:,}."


def _metadata(annotation: Any) -> Iterator[Any]:
    """Yield the metadata of ``Annotated`` in an annotation, the outermost first."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        yield from arguments[1:]
        arguments = arguments[:1]
    for part in arguments:
        yield from _metadata(part)


def _types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    arguments = get_args(annotation)
    for part in arguments[:1] if get_origin(annotation) is Annotated else arguments:
        yield from _types_in(part)


def _is_described(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, (msgspec.Struct, enum.Enum))


@functools.cache
def _docstrings(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return the docstrings under the attributes of a module's classes."""
    source = Path(inspect.getfile(sys.modules[module]))
    tree = ast.parse(source.read_text(encoding="utf-8"))
    return {node.name: dict(_documented(node.body)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _documented(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, below in itertools.pairwise(body):
        match statement, below:
            case (
                ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]),
                ast.Expr(ast.Constant(str(text))),
            ):
                yield name, inspect.cleandoc(text)
