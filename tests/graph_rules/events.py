"""Rules of events: each is typed, and whoever may page through them may subscribe to them, members included."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLSchema, get_named_type
from strawberry.utils.str_converters import to_camel_case

from services.contracts.declare import Operation, event_type_of, events_of
from services.contracts.imports import Importing
from services.contracts.orders.event_log import OrderEvent
from services.contracts.orders.events import OrderPlaced
from services.contracts.orders.operations import Orders
from services.contracts.permission import SubjectKind

ENTRY, ITEMS, OTHER = "OrderEvent", "OrderEventItem", "OtherOrderEvent"
QUERIES: Mapping[str, str] = {"orderEvents": "events"}
"""The queries that page through what the subscriptions send."""
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "orderEvents": Orders.events,
    "bulkOperation": Importing.import_progress,
}
"""The operations that the subscriptions read."""
NOT_FOR_MEMBERS: Mapping[str, str] = {"bulkOperation": "members start none yet"}
"""Subscriptions that members have no use of, each with the reason."""


def typed_events(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the public events without a type of their own, and the fields that a type lacks."""
    entry = schema.type_map.get(ENTRY)
    if not isinstance(entry, GraphQLInterfaceType):
        yield f"{ENTRY} is no interface"
        return
    if str(entry.fields["data"].type) != "JSON!":
        yield f"{ENTRY}.data is not JSON"
    types = {one.name: one for one in schema.get_possible_types(entry)}
    expected = {
        f"{one.struct.__name__}Event": {*one.struct.__struct_fields__, *OrderEvent.__struct_fields__}
        for one in events_of(event_type_of(OrderPlaced).service)
        if one.public
    }
    for name, fields in {**expected, OTHER: set(OrderEvent.__struct_fields__)}.items():
        if name not in types:
            yield f"{name} is no {ENTRY}"
            continue
        yield from (f"{name} has no {one}" for one in sorted(map(to_camel_case, fields) - types[name].fields.keys()))
    sent = {one.name for one in schema.get_possible_types(schema.type_map[ITEMS])}  # type: ignore[arg-type]
    yield from (f"{one} is not in {ITEMS}" for one in sorted(types.keys() - sent))


def subscriptions(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the subscriptions that members can't have, or that differ from the query of the same things.

    A subscription takes the query's arguments but the size of a page, and refuses as the query does.
    """
    for name, field in schema.subscription_type.fields.items() if schema.subscription_type else ():
        operation = OPERATIONS.get(name)
        if operation is None:
            yield f"Subscription.{name} reads no operation that is known here"
            continue
        declared: Operation = inspect.getattr_static(operation, "__operation__")
        permitted = declared.permission.kinds if declared.permission else frozenset()
        if SubjectKind.USER not in permitted and name not in NOT_FOR_MEMBERS:
            yield f"Subscription.{name} is not for members"
        query = schema.query_type.fields.get(QUERIES.get(name, "")) if schema.query_type else None
        if query is None:
            continue
        if {one: str(arg.type) for one, arg in field.args.items()} != {
            one: str(arg.type) for one, arg in query.args.items() if one != "first"
        }:
            yield f"Subscription.{name} takes other arguments than Query.{QUERIES[name]}"
        refusals, answers = (
            {one.name for one in schema.get_possible_types(get_named_type(each.type))} for each in (field, query)
        )
        yield from (
            f"Subscription.{name} can't be answered with {one}"
            for one in sorted(answers - refusals)
            if not one.endswith("Page")
        )
