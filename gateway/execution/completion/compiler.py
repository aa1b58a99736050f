"""Completion as compiled code: for each place in a plan a function that turns a value into its part of the answer.

The functions do the usual as fast as Python can, and know no errors: on anything unusual (a null where none may be, a
value of another type, an exception, an awaitable) they raise, and ``completion.slow_path`` completes the value
again, looking at everything.
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

from gateway.execution.planning.plan import Field, FieldKind, ObjectSelection, Plan, item_type, unwrap_non_null
from gateway.execution.state.resolve_info import ResolveInfo

CompleteValue = Callable[[Any, Any], Any]
"""(value, run) -> its part of the answer; raises on anything unusual."""

CHECKS_CLASS_ONLY = "by_class"
"""An ``is_type_of`` with this attribute looks at nothing but the value's class: it is asked once for each class."""


class UnexpectedValue(Exception):
    """A value needs a careful look."""


class CompletionCompiler:
    """The compiled code of a plan. ``of(step)`` completes that step's value; ``root`` the operation's root value."""

    def __init__(self, plan: Plan, default_resolver: Callable[[Any, str], Any]) -> None:
        self._code: list[str] = []
        self._names: dict[str, Any] = {}
        self._default_resolver = default_resolver
        self._roots: dict[Field | None, str] = {}
        self._roots[None] = self._selection(plan.root, None)
        for step in plan.all_steps():
            self._roots[step] = self._function(f"return {self._value(step.type, step, 'v')}")
        exec(compile("\n".join(self._code), "<plan>", "exec"), self._names)  # noqa: S102 - our own text, from names we chose
        for step in plan.all_steps():
            step.complete = self._names[self._roots[step]]
        self.root: CompleteValue = self._names[self._roots[None]]

    def _name(self, value: Any, hint: str) -> str:
        name = f"{hint}_{len(self._names)}"
        self._names[name] = value
        return name

    def _function(self, *body: str) -> str:
        name = self._name(None, "complete")
        self._code.append(f"def {name}(v, r):\n" + "\n".join(f"    {line}" for line in body))
        return name

    def _variable(self) -> str:
        return self._name(None, "v")

    def _value(self, kind: GraphQLOutputType, of: Field, source: str) -> str:
        """An expression that completes the value of the expression ``source``."""
        nullable, inner = unwrap_non_null(kind)
        if is_leaf_type(inner):
            return self._leaf(inner, nullable, source)
        if isinstance(inner, GraphQLList):
            made = self._list(inner, of)
        elif is_abstract_type(inner):
            made = self._abstract(inner, of)
        else:
            made = self._selection(of.selections[inner.name], of)
        if not nullable:
            return f"{made}({source}, r)"
        variable = self._variable()
        return f"(None if ({variable} := {source}) is None else {made}({variable}, r))"

    def _leaf(self, kind: Any, nullable: bool, source: str) -> str:  # noqa: PLR0911 - one line a kind of leaf
        v = self._variable()
        complete = self._name(_leaf_completion(kind), "leaf")
        null = f" or {v} is None" if nullable else ""
        if kind is GraphQLString or kind is GraphQLID:
            return f"({v} if type({v} := {source}) is str{null} else {complete}({v}))"
        if kind is GraphQLBoolean:
            return f"({v} if ({v} := {source}) is True or {v} is False{null} else {complete}({v}))"
        if kind is GraphQLInt:
            usual = f"type({v} := {source}) is int and -2147483648 <= {v} <= 2147483647"
            return f"({v} if {usual}{null} else {complete}({v}))"
        if kind is GraphQLFloat:
            return f"({v} if type({v} := {source}) is float and {v} - {v} == 0{null} else {complete}({v}))"
        if isinstance(kind, GraphQLEnumType) and (members := _enum_values(kind)):
            known = self._name(members, "members")
            of = self._name(type(next(iter(members))), "enum")
            usual = f"{known}[{v}] if type({v} := {source}) is {of} else "
            return f"({usual}None if {v} is None else {complete}({v}))" if nullable else f"({usual}{complete}({v}))"
        if nullable:
            return f"(None if ({v} := {source}) is None else {complete}({v}))"
        return f"{complete}({source})"

    def _list(self, kind: GraphQLList[Any], of: Field) -> str:
        items = self._name(_as_collection, "items")
        return self._function(
            f"if type(v) is not list: v = {items}(v)", f"return [{self._value(item_type(kind), of, 'x')} for x in v]"
        )

    def _abstract(self, kind: Any, of: Field) -> str:
        completes: dict[str, str] = {name: self._selection(one, of) for name, one in of.selections.items()}
        resolver = _TypeResolver(kind, of, completes, self._names)
        by_class, resolve = self._name(resolver.completion_by_class, "classes"), self._name(resolver, "resolve")
        return self._function(f"return ({by_class}.get(type(v)) or {resolve}(v, r))(v, r)")

    def _selection(self, selection: ObjectSelection, of: Field | None) -> str:
        body: list[str] = []
        if of is not None:
            usual: set[type] = set()
            known, check = self._name(usual, "usual"), self._name(_object_check(selection.type, of, usual), "check")
            body.append(f"if type(v) not in {known}: {check}(v, r)")
        pairs = [f"{field.key!r}: {self._field(field, selection)}" for field in selection.fields]
        steps = [field for field in selection.fields if field.kind in (FieldKind.RESOLVER, FieldKind.BATCH)]
        body.append(f"d = {{{', '.join(pairs)}}}")
        body += [f"r.parents[{step.index}].append(v); r.containers[{step.index}].append(d)" for step in steps]
        return self._function(*body, "return d")

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
    usual: set[type] = set()

    def complete(value: Any) -> Any:
        if type(value) not in usual:
            if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
                raise UnexpectedValue
            usual.add(type(value))
        coerced = coerce(value)
        if coerced is None or coerced is Undefined:
            raise UnexpectedValue
        return coerced

    return complete


def _enum_values(kind: GraphQLEnumType) -> dict[Any, Any]:
    """What each member of the enum's one Python class is completed to; empty if there is no such class."""
    declared = kind.extensions.get("strawberry-definition")
    wrapped = getattr(declared, "wrapped_cls", None)
    if not (isinstance(wrapped, type) and issubclass(wrapped, enum.Enum)):
        return {}
    return {member: kind.coerce_output_value(member) for member in wrapped}


def _as_collection(value: Any) -> Any:
    # What can be gone through only once must not be begun here: it would be half gone when it is looked at carefully.
    if (
        not is_iterable(value)
        or not isinstance(value, Collection)
        or isinstance(value, Exception)
        or isawaitable(value)
    ):
        raise UnexpectedValue
    return value


def _object_check(kind: GraphQLObjectType, of: Field, usual: set[type]) -> Callable[[Any, Any], None]:
    """Looks at an object of a class that was not seen here yet; or at each, where the class does not say enough."""
    predicate: Any = kind.is_type_of
    by_class = predicate is None or getattr(predicate, CHECKS_CLASS_ONLY, False)

    def check(value: Any, run: Any) -> None:
        if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
            raise UnexpectedValue
        if predicate is not None and predicate(value, ResolveInfo(run, of)) is not True:
            raise UnexpectedValue
        if by_class:
            usual.add(type(value))

    return check


class _TypeResolver:
    """Finds the completing function of a value of an abstract type."""

    def __init__(self, kind: Any, of: Field, completes: dict[str, str], names: dict[str, Any]) -> None:
        self._kind = kind
        self._field = of
        self._completion_names = completes
        self._names = names
        self.completion_by_class: dict[type, CompleteValue] = {}
        self._class_decides = all(
            getattr(selection.type.is_type_of, CHECKS_CLASS_ONLY, False) for selection in of.selections.values()
        )

    def __call__(self, value: Any, run: Any) -> CompleteValue:
        if value is None or value is Undefined or isinstance(value, Exception) or isawaitable(value):
            raise UnexpectedValue
        if self._kind.resolve_type is None:
            raise UnexpectedValue
        name = self._kind.resolve_type(value, ResolveInfo(run, self._field), self._kind)
        complete: CompleteValue = self._names[self._completion_names[name]]
        if self._class_decides:
            self.completion_by_class[type(value)] = complete
        return complete
