"""Compiled completion: Python code, generated for each step of a plan, that turns a value into a part of the response.

The code handles the common values and no errors. For any other value (a null for a non-null type, a value of another
type, an exception, an awaitable) it raises, and ``completion.slow_path`` completes the value again, with errors.
"""

import enum
import keyword
from collections.abc import Callable, Collection
from inspect import isawaitable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
    is_abstract_type,
    is_leaf_type,
)
from graphql.pyutils import is_iterable

from gateway.execution.compat import strawberry_definition
from gateway.execution.planning.plan import Field, FieldKind, ObjectSelection, Plan, item_type, unwrap_non_null
from gateway.execution.state.resolve_info import ResolveInfo

CompleteValue = Callable[[Any, Any], Any]
"""(value, execution state) -> the value's part of the response; raises on an unexpected value."""

CHECKS_CLASS_ONLY = "checks_class_only"
"""The attribute of an ``is_type_of`` that depends on the value's class alone: it is called once for each class."""


class UnexpectedValue(Exception):
    """A value that the slow path has to complete."""


def compile_completion(plan: Plan, default_resolver: Callable[[Any, str], Any]) -> None:
    """Set the ``complete`` of each step of a plan."""
    compiler = _CompletionCompiler(default_resolver)
    functions = [(step, compiler.step_function(step)) for step in plan.all_steps()]
    exec(compile("\n".join(compiler.code), "<completion>", "exec"), compiler.names)  # noqa: S102 - our own text, from names we chose
    for step, name in functions:
        step.complete = compiler.names[name]


class _CompletionCompiler:
    """Generates the functions that complete the values of a plan."""

    def __init__(self, default_resolver: Callable[[Any, str], Any]) -> None:
        self.code: list[str] = []
        self.names: dict[str, Any] = {}
        """The globals of the code."""
        self._default_resolver = default_resolver

    def step_function(self, step: Field) -> str:
        """Generate the function that completes a step's value, and return its name."""
        return self._function(f"return {self._value(step.type, step, 'v')}")

    def _name(self, value: Any, hint: str) -> str:
        name = f"{hint}_{len(self.names)}"
        self.names[name] = value
        return name

    def _function(self, *body: str) -> str:
        name = self._name(None, "complete")
        self.code.append(f"def {name}(v, r):\n" + "\n".join(f"    {line}" for line in body))
        return name

    def _variable(self) -> str:
        return self._name(None, "v")

    def _value(self, kind: GraphQLOutputType, of: Field, source: str) -> str:
        """Return an expression that completes the value of the expression ``source``."""
        nullable, inner = unwrap_non_null(kind)
        if is_leaf_type(inner):
            return self._leaf(inner, nullable, source)
        if isinstance(inner, GraphQLList):
            complete = self._list(inner, of)
        elif is_abstract_type(inner):
            complete = self._abstract(inner, of)
        else:
            complete = self._selection(of.selections[inner.name], of)
        if not nullable:
            return f"{complete}({source}, r)"
        variable = self._variable()
        return f"(None if ({variable} := {source}) is None else {complete}({variable}, r))"

    def _leaf(self, kind: Any, nullable: bool, source: str) -> str:  # noqa: PLR0911 - one line a kind of leaf
        v = self._variable()
        complete = self._name(_leaf_completion(kind), "leaf")
        null = f" or {v} is None" if nullable else ""
        if kind is GraphQLString or kind is GraphQLID:
            return f"({v} if type({v} := {source}) is str{null} else {complete}({v}))"
        if kind is GraphQLBoolean:
            return f"({v} if ({v} := {source}) is True or {v} is False{null} else {complete}({v}))"
        if kind is GraphQLInt:
            in_range = f"type({v} := {source}) is int and -2147483648 <= {v} <= 2147483647"
            return f"({v} if {in_range}{null} else {complete}({v}))"
        if kind is GraphQLFloat:
            return f"({v} if type({v} := {source}) is float and {v} - {v} == 0{null} else {complete}({v}))"
        if isinstance(kind, GraphQLEnumType) and (members := _enum_values(kind)):
            values = self._name(members, "members")
            enum_class = self._name(type(next(iter(members))), "enum")
            member = f"{values}[{v}] if type({v} := {source}) is {enum_class} else "
            return f"({member}None if {v} is None else {complete}({v}))" if nullable else f"({member}{complete}({v}))"
        if nullable:
            return f"(None if ({v} := {source}) is None else {complete}({v}))"
        return f"{complete}({source})"

    def _list(self, kind: GraphQLList[Any], of: Field) -> str:
        items = self._name(_as_collection, "items")
        return self._function(
            f"if type(v) is not list: v = {items}(v)", f"return [{self._value(item_type(kind), of, 'x')} for x in v]"
        )

    def _abstract(self, kind: Any, of: Field) -> str:
        functions: dict[str, str] = {name: self._selection(one, of) for name, one in of.selections.items()}
        resolver = _TypeResolver(kind, of, functions, self.names)
        by_class, resolve = self._name(resolver.completion_by_class, "classes"), self._name(resolver, "resolve")
        return self._function(f"return ({by_class}.get(type(v)) or {resolve}(v, r))(v, r)")

    def _selection(self, selection: ObjectSelection, of: Field) -> str:
        checked_classes: set[type] = set()
        classes = self._name(checked_classes, "classes")
        check = self._name(_object_check(selection.type, of, checked_classes), "check")
        pairs = [f"{field.key!r}: {self._field(field, selection)}" for field in selection.fields]
        steps = [field for field in selection.fields if field.kind in (FieldKind.RESOLVER, FieldKind.BATCH)]
        return self._function(
            f"if type(v) not in {classes}: {check}(v, r)",
            f"d = {{{', '.join(pairs)}}}",
            *[f"r.parents[{step.index}].append(v); r.containers[{step.index}].append(d)" for step in steps],
            "return d",
        )

    def _field(self, field: Field, selection: ObjectSelection) -> str:
        if field.kind is FieldKind.TYPENAME:
            return repr(selection.type.name)
        if field.kind is FieldKind.ATTRIBUTE:
            return self._value(field.type, field, self._attribute(field.attribute))
        return "None"

    def _attribute(self, name: str) -> str:
        if self._default_resolver is getattr and not keyword.iskeyword(name):
            return f"v.{name}"
        return f"{self._name(self._default_resolver, 'default')}(v, {name!r})"


def _leaf_completion(kind: GraphQLScalarType | GraphQLEnumType) -> Callable[[Any], Any]:
    coerce = kind.coerce_output_value
    checked_classes: set[type] = set()

    def complete(value: Any) -> Any:
        if type(value) not in checked_classes:
            if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
                raise UnexpectedValue
            checked_classes.add(type(value))
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise UnexpectedValue
        return coerced

    return complete


def _enum_values(kind: GraphQLEnumType) -> dict[Any, Any]:
    """Return the completed value of each member of the enum's Python class; empty if there is no such class."""
    declared = kind.extensions.get(strawberry_definition)
    wrapped = getattr(declared, "wrapped_cls", None)
    if not (isinstance(wrapped, type) and issubclass(wrapped, enum.Enum)):
        return {}
    return {member: kind.coerce_output_value(member) for member in wrapped}


def _as_collection(value: Any) -> Any:
    # An iterator must not be consumed here: the slow path would get only the rest of it.
    if (
        not is_iterable(value)
        or not isinstance(value, Collection)
        or isinstance(value, Exception)
        or isawaitable(value)
    ):
        raise UnexpectedValue
    return value


def _object_check(kind: GraphQLObjectType, of: Field, checked_classes: set[type]) -> Callable[[Any, Any], None]:
    """Return the check of an object: once for each class if the class decides, else for each object."""
    predicate: Any = kind.is_type_of
    class_decides = predicate is None or getattr(predicate, CHECKS_CLASS_ONLY, False)

    def check(value: Any, state: Any) -> None:
        if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
            raise UnexpectedValue
        if predicate is not None and predicate(value, ResolveInfo(state, of)) is not True:
            raise UnexpectedValue
        if class_decides:
            checked_classes.add(type(value))

    return check


class _TypeResolver:
    """Returns the function that completes a value of an abstract type."""

    def __init__(self, kind: Any, of: Field, functions: dict[str, str], names: dict[str, Any]) -> None:
        self._kind = kind
        self._field = of
        self._completion_names = functions
        self._names = names
        self.completion_by_class: dict[type, CompleteValue] = {}
        self._class_decides = all(
            getattr(selection.type.is_type_of, CHECKS_CLASS_ONLY, False) for selection in of.selections.values()
        )

    def __call__(self, value: Any, state: Any) -> CompleteValue:
        if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
            raise UnexpectedValue
        if self._kind.resolve_type is None:
            raise UnexpectedValue
        name = self._kind.resolve_type(value, ResolveInfo(state, self._field), self._kind)
        complete: CompleteValue = self._names[self._completion_names[name]]
        if self._class_decides:
            self.completion_by_class[type(value)] = complete
        return complete
