"""Events of orders by their type: an entry of the log together with the fields of its data."""

import functools
from collections.abc import Mapping
from typing import cast

import msgspec

from services.contracts.declare import Event, EventType, event_type_named, event_type_of, events_of
from services.contracts.orders.event_log import EventPage, OrderEvent
from services.contracts.orders.events import OrderPlaced


class OtherOrderEvent(OrderEvent, frozen=True, kw_only=True):
    """An event of a type that is newer than this schema: its fields are in ``data`` alone."""


def _struct_of(event_type: EventType) -> type[OrderEvent]:
    """Return the struct of an event's entry and its fields. Ids that an entry has anyway are not repeated."""
    fields = [
        (field.name, field.type)
        for field in msgspec.structs.fields(event_type.struct)
        if field.name not in OrderEvent.__struct_fields__
    ]
    struct = msgspec.defstruct(
        f"{event_type.struct.__name__}Event",
        fields,
        bases=(OrderEvent,),
        module=__name__,
        namespace={"__doc__": event_type.struct.__doc__},
        frozen=True,
        kw_only=True,
    )
    return cast(type[OrderEvent], struct)


TYPED_EVENTS: Mapping[type[Event], type[OrderEvent]] = {
    event_type.struct: _struct_of(event_type)
    for event_type in events_of(event_type_of(OrderPlaced).service)
    if event_type.public
}
"""The struct of each public event, by that of its data."""


def typed_event(entry: OrderEvent) -> OrderEvent:
    """Return an entry of the log with the fields of its data; OtherOrderEvent if this build can't decode them."""
    event_type = event_type_named(entry.type)
    if event_type is None or event_type.struct not in TYPED_EVENTS:
        return with_fields(entry, None)
    try:
        data = _decoder(event_type.struct).decode(entry.data)
    except msgspec.ValidationError:  # a value of an enum that only a newer build knows
        data = None
    return with_fields(entry, data)


def typed_page(page: EventPage) -> EventPage:
    """Return a page of the log whose entries have the fields of their data."""
    return msgspec.structs.replace(page, events=[typed_event(entry) for entry in page.events])


def with_fields(entry: OrderEvent, data: Event | None) -> OrderEvent:
    """Return an entry of the log with the fields of its decoded data; OtherOrderEvent without data."""
    values = {name: getattr(entry, name) for name in OrderEvent.__struct_fields__}
    if data is None:
        return OtherOrderEvent(**values)
    struct = TYPED_EVENTS[type(data)]
    return struct(**values, **{name: getattr(data, name) for name in _own_fields(struct)})


@functools.cache
def _own_fields(struct: type[OrderEvent]) -> list[str]:
    return [name for name in struct.__struct_fields__ if name not in OrderEvent.__struct_fields__]


@functools.cache
def _decoder(struct: type[Event]) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(struct)
