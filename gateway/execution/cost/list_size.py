"""How many items a list has: what `@listSize` says of it, and what an operation gives for its slicing arguments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValidationRule,
    ValueNode,
    VariableNode,
    get_nullable_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from gateway.execution.cost.directives import ListSize, list_size_of
from gateway.execution.cost.expression import CoercedVariables, Expression

ASSUMED_SIZE = 10
"""Items of a list that says nothing of its size: lists that belong to their parent are short; pages say theirs."""

_MAX_DIGITS = 20
"""Digits that are looked at: validation refuses longer numbers, but may still be at it."""

_SlicingValue = int | Callable[[CoercedVariables], int | None] | None
"""What a slicing argument says: a number, one that depends on variables, or nothing."""


def list_size(said: ListSize, definition: GraphQLField, node: FieldNode) -> Expression:
    """How many items the list of a field has, as it stands in an operation: the most that an argument says."""
    otherwise = said.assumed_size if isinstance(said.assumed_size, int) else ASSUMED_SIZE
    fixed: list[int] = []
    varying: list[Callable[[CoercedVariables], int | None]] = []
    for path in said.slicing_arguments or ():
        given = _slicing_value(path, definition, node)
        if isinstance(given, int):
            fixed.append(given)
        elif given is not None:
            varying.append(given)
    if not varying:
        return max(fixed, default=otherwise)
    if not fixed and len(varying) == 1:
        (only,) = varying

        def size(values: CoercedVariables) -> int:
            found = only(values)
            return otherwise if found is None else found

        return size

    def largest(values: CoercedVariables) -> int:
        said_now = [found for one in varying if (found := one(values)) is not None]
        return max([*fixed, *said_now], default=otherwise)

    return largest


def _slicing_value(path: str, definition: GraphQLField, node: FieldNode) -> _SlicingValue:
    name, *inner = path.split(".")
    arguments = {one.name.value: one.value for one in node.arguments or ()}
    return _value_size(arguments.get(name), definition.args[name], inner)


def _value_size(
    node: ValueNode | None, declared: GraphQLArgument | GraphQLInputField, path: Sequence[str]
) -> _SlicingValue:
    """What stands in a place, or ``path`` below it."""
    if node is None:
        return _size_of_value(_value_at(default_value(declared), path))
    if isinstance(node, VariableNode):
        return _variable_size(node.name.value, default_value(declared), path)
    if path:
        kind = get_nullable_type(declared.type)
        if not (isinstance(node, ObjectValueNode) and isinstance(kind, GraphQLInputObjectType)):
            return None
        fields = {field.name.value: field.value for field in node.fields}
        return _value_size(fields.get(path[0]), kind.fields[path[0]], path[1:])
    return _literal_size(node, in_list=isinstance(get_nullable_type(declared.type), GraphQLList))


def _literal_size(node: ValueNode, *, in_list: bool) -> int | None:
    match node:
        case NullValueNode():
            return None
        case ListValueNode(values=values):
            return len(values)
        case IntValueNode(value=digits) if not in_list:
            return max(0, int(digits[:_MAX_DIGITS]))
    return 1  # a list's only item may stand without brackets


def _variable_size(name: str, default: Any, path: Sequence[str]) -> Callable[[CoercedVariables], int | None]:
    if not path:

        def given(values: CoercedVariables) -> int | None:
            value = values.get(name, default)
            return value if type(value) is int and value > 0 else _size_of_value(value)

        return given
    return lambda values: _size_of_value(_value_at(values.get(name, default), path))


def _value_at(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _size_of_value(value: Any) -> int | None:
    if isinstance(value, int):
        return max(0, value)
    return len(value) if isinstance(value, list) else None


def default_value(declared: GraphQLArgument | GraphQLInputField) -> Any:
    """The default of an argument or an input field; None if it has none."""
    default = coerce_default_value(declared)
    return None if default is Undefined else default


class OneSlicingArgumentRule(ValidationRule):
    """Where `@listSize` requires one slicing argument, neither none nor several may be given."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Count what is given, as far as that can be seen without the variables."""
        definition = self.context.get_field_def()
        said = list_size_of(definition) if definition is not None else None
        if definition is None or said is None or not said.slicing_arguments or not said.require_one_slicing_argument:
            return
        given = [path for path in said.slicing_arguments if _slicing_value(path, definition, node) is not None]
        if len(given) != 1:
            wanted = ", ".join(f"'{path}'" for path in said.slicing_arguments)
            self.report_error(
                GraphQLError(
                    f"Field '{node.name.value}' takes exactly one of the arguments {wanted}, not {len(given)}.", node
                )
            )
