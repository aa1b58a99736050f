"""What a request may be at most, and how it is told that it is more."""

import msgspec
from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

LIMIT_EXCEEDED = "LIMIT_EXCEEDED"

MAX_REPORTED_VALUE = 2**31 - 1
"""The largest number that is told: what is more (fragments in fragments are soon astronomical) is told as this."""


class OperationLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that is taken. What is normal: a page of the portal; the largest: the query that learns the schema.

    ``text``: characters (portal 600, introspection 2,000). What is larger would not be kept either.

    ``tokens``: with comments (portal 55, introspection 184). Each takes up to 40 µs to be read and validated, so this
    bounds what any text takes.

    ``nesting``: brackets in brackets of any kind: selections, values, types of lists (portal 6, introspection 10). Far
    below what the parser can take, which is 200.

    ``name``: characters of a name or a number (portal 14, introspection 18). An alias is a key of the answer as often
    as there are objects: 40,000 characters would soon be gigabytes.

    ``depth``: fields in fields, fragments spread (portal 6, introspection 15).

    ``fields``: each fragment as often as it is spread (portal 24, introspection 230). Each takes 80 µs to be planned.

    ``aliases``, ``directives``: counted alike (both 0). Who asks the same twice, or shows parts of a page on demand,
    needs some; who needs hundreds means something else.

    ``root_fields``: fields of the operation itself (both 1): each is a call of its own.

    ``cost``: as `cost.compiler` counts (portal with 200 rows 3,811, introspection 16,424). 200 rows with 50
    joined to each pass; 10,000 rows with joins don't.

    ``variables``: bytes of their JSON. What is sent for a reason are lists of some hundred ids or reports.

    ``items``: those of all lists in variables together. The most that is sent for a reason are the 500 reports of one
    `reportPickups`; 1,000 of them, the last of which is wrong, take 50 ms to be refused.
    """

    text: int = 50_000
    tokens: int = 1_000
    nesting: int = 50
    name: int = 200
    depth: int = 20
    fields: int = 500
    aliases: int = 50
    directives: int = 50
    root_fields: int = 20
    cost: int = 50_000
    variables: int = 200_000
    items: int = 1_000


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
    """The error of what is more than a limit (the name of one of ``OperationLimits``) allows; None if it is not."""
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
