"""Cost expressions: numbers that may depend on variables. Constants are folded."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

CoercedVariables = Mapping[str, Any]
"""The coerced variables of an operation."""

Expression = int | Callable[[CoercedVariables], int]
"""A number of 0 or more, or the function that computes it from the variables of a request."""


def total(expressions: Iterable[Expression]) -> Expression:
    """Return the sum of expressions."""
    constants, variable = _split_constants(expressions)
    constant = sum(constants)
    match variable:
        case []:
            return constant
        case [only]:
            return only if constant == 0 else lambda values: constant + only(values)
    return lambda values: constant + sum([one(values) for one in variable])


def product(first: Expression, second: Expression) -> Expression:
    """Return the product of two expressions."""
    if isinstance(first, int):
        first, second = second, first
    if isinstance(second, int):
        constant = second
        if isinstance(first, int) or constant == 0:
            return first * constant if isinstance(first, int) else 0
        variable = first
        return variable if constant == 1 else lambda values: variable(values) * constant
    left, right = first, second
    assert not isinstance(left, int), "a constant is second"
    return lambda values: left(values) * right(values)


def maximum(expressions: Iterable[Expression]) -> Expression:
    """Return the maximum of expressions; 0 if there are none."""
    constants, variable = _split_constants(expressions)
    constant = max(constants, default=0)
    if not variable:
        return constant
    if not constants and len(variable) == 1:
        return variable[0]
    return lambda values: max(constant, *[one(values) for one in variable])


def _split_constants(expressions: Iterable[Expression]) -> tuple[list[int], list[Callable[[CoercedVariables], int]]]:
    constants: list[int] = []
    variable: list[Callable[[CoercedVariables], int]] = []
    for expression in expressions:
        if isinstance(expression, int):
            constants.append(expression)
        else:
            variable.append(expression)
    return constants, variable
