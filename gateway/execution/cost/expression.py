"""Amounts that may depend on variables: sums and products of what does not are worked out at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

CoercedVariables = Mapping[str, Any]
"""An operation's variables, coerced."""

Expression = int | Callable[[CoercedVariables], int]
"""A number of 0 or more, or what says it for the variables of a request."""


def total(amounts: Iterable[Expression]) -> Expression:
    """The sum of some amounts."""
    fixed, varying = _split_constants(amounts)
    known = sum(fixed)
    match varying:
        case []:
            return known
        case [one]:
            return one if known == 0 else lambda values: known + one(values)
    return lambda values: known + sum([one(values) for one in varying])


def product(one: Expression, other: Expression) -> Expression:
    """The product of two amounts."""
    if isinstance(one, int):
        one, other = other, one
    if isinstance(other, int):
        number = other
        if isinstance(one, int) or number == 0:
            return one * number if isinstance(one, int) else 0
        varying = one
        return varying if number == 1 else lambda values: varying(values) * number
    first, second = one, other
    assert not isinstance(first, int), "a number was put last"
    return lambda values: first(values) * second(values)


def maximum(amounts: Iterable[Expression]) -> Expression:
    """The largest of some amounts; 0 if there are none."""
    fixed, varying = _split_constants(amounts)
    known = max(fixed, default=0)
    if not varying:
        return known
    if not fixed and len(varying) == 1:
        return varying[0]
    return lambda values: max(known, *[one(values) for one in varying])


def _split_constants(amounts: Iterable[Expression]) -> tuple[list[int], list[Callable[[CoercedVariables], int]]]:
    fixed: list[int] = []
    varying: list[Callable[[CoercedVariables], int]] = []
    for one in amounts:
        if isinstance(one, int):
            fixed.append(one)
        else:
            varying.append(one)
    return fixed, varying
