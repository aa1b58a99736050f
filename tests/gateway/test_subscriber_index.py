"""The index of subscribers: an event wakes those alone whom it may concern."""

import uuid
from collections.abc import Collection

import msgspec
import pytest

from gateway.subscriptions.subscriber_index import EVERYTHING, Listener, SubscriberIndex
from services.contracts.orders.event_log import OrderEvent
from tests.gateway.stubs.samples import NOW, ORGANISATION, OTHER_ORGANISATION, USER, order_id, site_id


def event(sequence: int, organisation: str | None = ORGANISATION, site: str | None = None) -> OrderEvent:
    return OrderEvent(
        id=str(uuid.UUID(int=sequence)),
        cursor=str(sequence),
        sequence=sequence,
        type="orders.order.placed",
        time=NOW,
        subject=order_id(sequence),
        organisation_id=organisation,
        site_id=site,
        data=msgspec.Raw(b"{}"),
    )


def listener(index: SubscriberIndex, *keys: str) -> Listener:
    added = Listener(USER, lambda: keys)
    index.add(added)
    return added


@pytest.mark.parametrize(
    ("keys", "woken"),
    [
        ([EVERYTHING], True),
        ([ORGANISATION], True),
        ([site_id(1)], True),
        ([ORGANISATION, site_id(1)], True),
        ([OTHER_ORGANISATION], False),
        ([site_id(2), site_id(3)], False),
        ([], False),
    ],
)
def test_an_event_wakes_those_whom_it_may_concern(keys: Collection[str], woken: bool) -> None:
    index = SubscriberIndex()
    waiting = listener(index, *keys)
    index.notify(event(7, site=site_id(1)))
    assert waiting.woken.is_set() is woken
    assert waiting.take() == (7 if woken else None)


def test_a_listener_gets_the_first_event_since_it_looked() -> None:
    index = SubscriberIndex()
    waiting = listener(index, ORGANISATION)
    for sequence in (3, 4):
        index.notify(event(sequence))
    assert waiting.take() == 3
    assert (waiting.take(), waiting.woken.is_set()) == (None, False)
    index.notify(event(5))
    assert waiting.take() == 5


def test_left_out_events_wake_everyone_to_look_at_all() -> None:
    index = SubscriberIndex()
    waiting, other = listener(index, ORGANISATION), listener(index, site_id(9))
    index.notify(event(3))
    index.notify_all()
    index.notify(event(8))
    assert (waiting.take(), other.take()) == (0, 0)


def test_a_change_of_access_moves_the_subjects_listeners_and_wakes_them() -> None:
    index, keys = SubscriberIndex(), [ORGANISATION]
    moving = Listener(USER, lambda: list(keys))
    index.add(moving)
    keys[:] = [site_id(2)]
    index.update("user_of_another_name")
    assert not moving.woken.is_set()
    index.update(USER)
    assert (moving.woken.is_set(), moving.take()) == (True, None)
    index.notify(event(1))
    assert moving.take() is None
    index.notify(event(2, OTHER_ORGANISATION, site_id(2)))
    assert moving.take() == 2


def test_a_removed_listener_is_not_woken_and_leaves_nothing() -> None:
    index = SubscriberIndex()
    waiting = listener(index, ORGANISATION, site_id(1))
    index.remove(waiting)
    index.notify(event(1, site=site_id(1)))
    index.update(USER)
    index.notify_all()
    assert not waiting.woken.is_set()
    assert (index._by_key, index._by_subject, index._keys) == ({}, {}, {})
