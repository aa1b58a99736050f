"""Sizes of lists: `@listSize`, evaluated for the slicing arguments of an operation."""

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

from gateway.execution.compat import coerce_default_value
from gateway.execution.cost.directives import ListSize, list_size_of
from gateway.execution.cost.expression import CoercedVariables, Expression

ASSUMED_SIZE = 10
"""The size of a list without `@listSize`. Such lists belong to their parent and are short; pages have `@listSize`."""

_MAX_DIGITS = 20
"""Digits of a number that are read. Validation rejects longer numbers, but this code also runs during validation."""

_SlicingValue = int | Callable[[CoercedVariables], int | None] | None
"""The value of a slicing argument: a number, a function of the variables, or None if it is not given."""


def list_size(directive: ListSize, definition: GraphQLField, node: FieldNode) -> Expression:
    """Return the size of a field's list in an operation: the largest value of a slicing argument."""
    assumed = directive.assumed_size if isinstance(directive.assumed_size, int) else ASSUMED_SIZE
    constants: list[int] = []
    variable: list[Callable[[CoercedVariables], int | None]] = []
    for path in directive.slicing_arguments or ():
        value = _slicing_value(path, definition, node)
        if isinstance(value, int):
            constants.append(value)
        elif value is not None:
            variable.append(value)
    if not variable:
        return max(constants, default=assumed)
    if not constants and len(variable) == 1:
        (only,) = variable

        def size(values: CoercedVariables) -> int:
            given = only(values)
            return assumed if given is None else given

        return size

    def largest(values: CoercedVariables) -> int:
        given = [value for one in variable if (value := one(values)) is not None]
        return max([*constants, *given], default=assumed)

    return largest


def _slicing_value(path: str, definition: GraphQLField, node: FieldNode) -> _SlicingValue:
    name, *inner = path.split(".")
    arguments = {one.name.value: one.value for one in node.arguments or ()}
    return _value_size(arguments.get(name), definition.args[name], inner)


def _value_size(
    node: ValueNode | None, declared: GraphQLArgument | GraphQLInputField, path: Sequence[str]
) -> _SlicingValue:
    """Return the size given by the value of an argument or an input field, or by ``path`` below it."""
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
    return 1  # input coercion makes a list of a single value


def _variable_size(name: str, default: Any, path: Sequence[str]) -> Callable[[CoercedVariables], int | None]:
    if not path:

        def size(values: CoercedVariables) -> int | None:
            value = values.get(name, default)
            return value if type(value) is int and value > 0 else _size_of_value(value)

        return size
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
    """Return the default of an argument or an input field; None if it has none."""
    default = coerce_default_value(declared)
    return None if default is Undefined else default


class OneSlicingArgumentRule(ValidationRule):
    """The validation rule for fields whose `@listSize` requires exactly one slicing argument."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Report a field without exactly one slicing argument; a variable counts as given."""
        definition = self.context.get_field_def()
        directive = list_size_of(definition) if definition is not None else None
        if definition is None or directive is None:
            return
        if not directive.slicing_arguments or not directive.require_one_slicing_argument:
            return
        given = [path for path in directive.slicing_arguments if _slicing_value(path, definition, node) is not None]
        if len(given) != 1:
            names = ", ".join(f"'{path}'" for path in directive.slicing_arguments)
            self.report_error(
                GraphQLError(
                    f"Field '{node.name.value}' takes exactly one of the arguments {names}, not {len(given)}.", node
                )
            )
