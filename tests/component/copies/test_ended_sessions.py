"""A session that ended is known to every service, for as long as a token of it may live."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from services.access import copy
from services.chassis.events.consume.handlers import handle_events
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity import SessionEnded
from services.hosting.blueprint import Blueprint
from services.orders.app import ORDERS
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.support.fixtures import MakeHarness
from tests.support.service_harness import ServiceHarness

ENDED = SessionEnded(session_id=write_id("session", new_uuid()), subject_id=write_id("user", new_uuid()))


async def ended_sessions(bench: ServiceHarness[Any, Any]) -> list[str]:
    return [row["session_id"] for row in await bench.pool.fetch("SELECT session_id FROM access.ended_sessions")]


@pytest.mark.parametrize("blueprint", [SITES, ORDERS, STATS, SUPPORT], ids=lambda one: one.name)
async def test_each_service_hears_of_it(blueprint: Blueprint[Any, Any], make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(blueprint)
    assert "identity" in blueprint.subscribes_to
    await bench.receive(ENDED, ENDED)
    assert await ended_sessions(bench) == [ENDED.session_id]


async def test_of_one_that_ended_long_ago_nothing_is_kept(make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(SITES)
    base: Any = bench
    old = msgspec.structs.replace(bench._received(ENDED), time=bench.clock.now() - dt.timedelta(hours=1))
    async with bench.work() as tx:
        await handle_events(SITES.handlers(base), tx, [old])
    assert await ended_sessions(bench) == []


async def test_it_is_forgotten_when_no_token_lives(make_harness: MakeHarness[Any, Any]) -> None:
    bench = await make_harness(SITES)
    await bench.receive(ENDED)
    assert await bench.pool.execute(copy.DELETE_ENDED_SESSIONS, 100) == "DELETE 0"
    await bench.pool.execute("UPDATE access.ended_sessions SET kept_since = kept_since - interval '61 minutes'")
    assert await bench.pool.execute(copy.DELETE_ENDED_SESSIONS, 100) == "DELETE 1"
