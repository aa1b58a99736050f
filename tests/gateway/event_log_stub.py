"""A stub of orders' event log for the tests of feed and subscribers: it can be unavailable, and be restored."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.subscriptions.orders_log import LogReadError
from services.chassis.events import envelope
from services.chassis.events.envelope import RawRecord
from services.chassis.events.event_log import Cursor
from services.chassis.ids import new_uuid, write_id
from services.chassis.rpc.channel import CallFailed
from services.contracts.orders.event_log import CursorExpired, EventPage, OrderEvent
from services.contracts.sites import ContainerStated, Fraction
from services.contracts.values import Refusal
from tests.gateway.order_events import placed
from tests.gateway.stubs.orders import OrdersStub
from tests.gateway.stubs.samples import NOW, ORGANISATION, site_id

CONTAINER = msgspec.json.encode(
    ContainerStated(
        container_id=write_id("container", uuid.UUID(int=1)),
        container_number="C1",
        site_id=site_id(1),
        organisation_id=ORGANISATION,
        fraction=Fraction.RESIDUAL,
        litres=240,
        count=1,
        version=1,
    )
)


class EventLogStub(OrdersStub):
    """Orders' event log, which counts calls and can be unavailable for some of them."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.failures = 0
        self.gap_read_failures = 0
        self.internal: set[int] = set()

    async def events(self, *given: Any, **named: Any) -> EventPage | CursorExpired | Refusal:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise CallFailed("orders", 503, "UNAVAILABLE", [])
        page = await super().events(*given, **named)
        await asyncio.sleep(0)  # events may be written before the page arrives
        return page

    async def between(self, place: Cursor, up_to: int) -> Sequence[OrderEvent]:
        self.calls += 1
        if self.gap_read_failures:
            self.gap_read_failures -= 1
            raise CallFailed("orders", 503, "UNAVAILABLE", [])
        if place.generation != self.generation:
            raise LogReadError("CursorExpired")
        return [event for event in self.log if place.sequence < event.sequence <= up_to]

    def grow(self, to: int) -> None:
        """Write events up to a sequence number."""
        while self.last < to:
            self.write(self.last + 1)

    def write(self, sequence: int) -> RawRecord:
        """Write an event to the log, if it is public, and return its record."""
        record = self.record(sequence)
        self.last = max(self.last, sequence)
        if sequence not in self.internal:
            self.log.append(
                OrderEvent(
                    id=record.event_id,
                    cursor=str(Cursor(self.generation, sequence)),
                    sequence=sequence,
                    type=record.type,
                    time=NOW,
                    subject=record.subject,
                    organisation_id=placed(sequence).organisation_id,
                    site_id=placed(sequence).site_id,
                    data=msgspec.Raw(placed_json(sequence)),
                )
            )
        return record

    def record(self, sequence: int) -> RawRecord:
        """Return the record of an event in the current generation."""
        public = sequence not in self.internal
        kind = "orders.order.placed" if public else "sites.container.stated"
        value = placed_json(sequence) if public else CONTAINER
        attributes = (NOW, sequence, "", "key", self.generation)
        headers = envelope.event_headers(
            uuid.UUID(int=sequence), kind, "orders", placed(sequence).order_id, *attributes
        )
        return envelope.raw_record("topic", 0, sequence, 0, b"key", value, headers)

    def restore(self, to: int) -> None:
        """Restore a backup: later events are lost, and a new generation begins after the highest published event."""
        self.internal = {sequence for sequence in self.internal if sequence <= self.last}
        self.generation = new_uuid()
        self.log = [
            msgspec.structs.replace(event, cursor=str(Cursor(self.generation, event.sequence)))
            for event in self.log
            if event.sequence <= to
        ]


def placed_json(number: int) -> bytes:
    return msgspec.json.encode(placed(number))
