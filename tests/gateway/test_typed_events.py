"""Events of orders by their type, as the graph shows them."""

import uuid

import msgspec
import pytest

from gateway.subscriptions.typed_events import TYPED_EVENTS, OtherOrderEvent, typed_event
from services.contracts.declare import Event, event_type_of, events_of
from services.contracts.orders.event_log import OrderEvent
from tests.contract.event_samples import samples_of
from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.order_events import moved, placed
from tests.gateway.stubs.samples import NOW, ORGANISATION, USER, agreement_id, member_access, order_id, site_id
from tests.gateway.test_order_events import next_sequence

EVENT = """
    __typename subject data
    organisation { id }
    site { id siteNumber }
    ... on OrderPlacedEvent { orderId kind date order { id number } agreement { id } article { articleNumber } }
    ... on OrderMovedEvent { before state order { id number } }
"""
PAGE = f'{{ events(after: "START", first: 500) {{ ... on EventPage {{ events {{ {EVENT} }} }} }} }}'
FOLLOWED = f"subscription {{ orderEvents {{ __typename ... on OrderEvent {{ {EVENT} }} }} }}"


def entry(event_type: str, data: bytes) -> OrderEvent:
    return OrderEvent(
        id=str(uuid.UUID(int=1)),
        cursor="here",
        sequence=1,
        type=event_type,
        time=NOW,
        subject=order_id(1),
        organisation_id=ORGANISATION,
        site_id=site_id(1),
        data=msgspec.Raw(data),
    )


def test_each_public_event_has_a_type() -> None:
    assert {event_type_of(data).name for data in TYPED_EVENTS} == {
        event_type.name for event_type in events_of("orders") if event_type.public
    }


@pytest.mark.parametrize("data", TYPED_EVENTS, ids=lambda data: event_type_of(data).name)
def test_each_sample_has_its_fields_beside_those_of_the_entry(data: type[Event]) -> None:
    for sample in samples_of(event_type_of(data).name):
        event = typed_event(entry(event_type_of(data).name, sample.read_bytes()))
        published = msgspec.json.decode(sample.read_bytes(), type=data)
        assert isinstance(event, TYPED_EVENTS[data])
        for name in set(data.__struct_fields__) - {"organisation_id", "site_id"}:
            assert getattr(event, name) == getattr(published, name)
        assert (event.organisation_id, event.site_id, event.cursor) == (ORGANISATION, site_id(1), "here")


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("orders.order.sung", b'{"orderId": "order_1"}'),
        ("orders.pickup.stated", msgspec.json.encode(placed(1))),
        ("orders.order.placed", msgspec.json.encode(placed(1)).replace(b"EXTRA_PICKUP", b"BALLOON_RIDE")),
        ("orders.order.placed", b"{}"),
    ],
    ids=["a newer type", "an internal type", "a newer value", "missing fields"],
)
def test_what_this_build_does_not_know_is_another_event(event_type: str, data: bytes) -> None:
    event = typed_event(entry(event_type, data))
    assert type(event) is OtherOrderEvent
    assert (event.type, bytes(event.data)) == (event_type, data)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_event_leads_to_its_things_in_a_page_and_live(gateway: GatewayFixture) -> None:
    gateway.services.identity.access[USER] = member_access()
    async with gateway.socket(gateway.user()) as socket:
        await socket.connection.send_json({"id": "1", "type": "subscribe", "payload": {"query": FOLLOWED}})
        await socket.next_item()
        for event in (placed(7), moved(8)):
            await gateway.publish(event, next_sequence(gateway))
        live = [await socket.next_item() for _ in range(2)]
    page = (await gateway.execute(PAGE, gateway.user()))["data"]["events"]["events"]
    assert page[-2:] == live
    assert live[0] == {
        "__typename": "OrderPlacedEvent",
        "subject": order_id(7),
        "data": msgspec.json.decode(msgspec.json.encode(placed(7))),
        "organisation": {"id": ORGANISATION},
        "site": {"id": site_id(1), "siteNumber": "S1"},
        "orderId": order_id(7),
        "kind": "EXTRA_PICKUP",
        "date": "2026-03-10",
        "order": {"id": order_id(7), "number": "ORD-2026-000007"},
        "agreement": {"id": agreement_id(1)},
        "article": {"articleNumber": "240-RES"},
    }
    assert (live[1]["before"], live[1]["state"], live[1]["order"]["id"]) == ("CONFIRMED", "SCHEDULED", order_id(8))
