"""Ended sessions: every service keeps them for the lifetime of a token."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from services.access import copy
from services.chassis.events.consume.handlers import handle_events
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import SessionEnded
from services.hosting.blueprint import Blueprint
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

ENDED = SessionEnded(session_id=write_id("session", new_uuid()), subject_id=write_id("user", new_uuid()))


async def ended_sessions(harness: ServiceHarness[Any, Any]) -> list[str]:
    return [row["session_id"] for row in await harness.pool.fetch("SELECT session_id FROM access.ended_sessions")]


@pytest.mark.parametrize("blueprint", [SITES, ORDERS, STATS, SUPPORT], ids=lambda one: one.name)
async def test_each_service_copies_an_ended_session(
    blueprint: Blueprint[Any, Any], make_harness: MakeHarness[Any, Any]
) -> None:
    harness = await make_harness(blueprint)
    assert "identity" in blueprint.subscribes_to
    await harness.receive(ENDED, ENDED)
    assert await ended_sessions(harness) == [ENDED.session_id]


async def test_a_session_that_ended_long_ago_is_not_stored(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    base: Any = harness
    old = msgspec.structs.replace(harness._received(ENDED), time=harness.clock.now() - dt.timedelta(hours=1))
    async with harness.work() as tx:
        await handle_events(SITES.handlers(base), tx, [old])
    assert await ended_sessions(harness) == []


async def test_an_ended_session_is_deleted_after_the_lifetime_of_a_token(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SITES)
    await harness.receive(ENDED)
    assert await harness.pool.execute(copy.DELETE_ENDED_SESSIONS, 100) == "DELETE 0"
    await harness.pool.execute("UPDATE access.ended_sessions SET kept_since = kept_since - interval '61 minutes'")
    assert await harness.pool.execute(copy.DELETE_ENDED_SESSIONS, 100) == "DELETE 1"
