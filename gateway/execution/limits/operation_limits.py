"""Limits of a request, and the errors of requests that exceed them."""

import msgspec
from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

MAX_REPORTED_VALUE = 2**31 - 1
"""The largest value in an error. Larger values, which nested fragments soon have, are reported as this one."""


class OperationLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one request. For comparison: a page of the portal, and the introspection query of clients."""

    text: int = 50_000
    """Characters (portal 600, introspection 2,000). A longer text would not be cached either."""
    tokens: int = 1_000
    """Tokens, with comments (portal 55, introspection 184). Parsing and validating one takes up to 40 µs."""
    nesting: int = 50
    """Nested brackets of any kind (portal 6, introspection 10). The parser's own limit is 200."""
    name: int = 200
    """Characters of a name or a number (portal 14, introspection 18). An alias is repeated in each object of a list."""
    depth: int = 20
    """Nested fields, with fragments spread (portal 6, introspection 15)."""
    fields: int = 500
    """Fields, with fragments spread (portal 24, introspection 230). Planning one takes 80 µs."""
    aliases: int = 50
    """Aliases, with fragments spread (both 0)."""
    directives: int = 50
    """Directives, with fragments spread (both 0)."""
    root_fields: int = 20
    """Fields at the root (both 1). Each is a call of its own."""
    cost: int = 50_000
    """Cost by `cost.compiler` (portal with 200 rows 3,811, introspection 16,424): 200 rows with 50 joined to each."""
    variables: int = 200_000
    """Bytes of the variables' JSON. Clients send lists of some hundred ids or reports."""
    items: int = 1_000
    """Items of all lists in variables. `reportPickups` takes 500 reports; rejecting 1,000 takes 50 ms."""


_UNITS = {
    "text": "characters",
    "tokens": "tokens",
    "nesting": "brackets within each other",
    "name": "characters in one name or number",
    "depth": "fields within each other",
    "fields": "fields",
    "aliases": "aliases",
    "directives": "directives",
    "root_fields": "fields at its root",
    "variables": "bytes of variables",
    "items": "items of lists in its variables",
}


def limit_error(limits: OperationLimits, limit: str, value: int) -> GraphQLError | None:
    """Return the error of a value that exceeds a limit, given by its name in ``OperationLimits``; else None."""
    allowed: int = getattr(limits, limit)
    if value <= allowed:
        return None
    value = min(value, MAX_REPORTED_VALUE)
    if limit == "cost":
        message = f"The operation costs {value}; {allowed} are allowed."
    else:
        message = f"The operation has {value} {_UNITS[limit]}; {allowed} are allowed."
    return GraphQLError(
        message,
        extensions={"code": LIMIT_EXCEEDED, "limit": to_camel_case(limit), "allowed": allowed, "value": value},
    )
