"""The assumptions of ``jobs.compat`` about PgQueuer, one test each. A failure names what to change."""

import asyncio

from pgqueuer.models import AnyEvent

from services.chassis.db import postgres
from services.chassis.jobs import compat, queue
from tests.support.alpha import Alpha


async def test_the_tables_are_those_that_the_library_declares(alpha: Alpha) -> None:
    """A newer release of the library needs a migration: its plan lists the statements."""
    plan = await compat.queries(alpha.pool).plan_upgrade()
    other = [one for one in plan.statements if "fn_pgqueuer_changed" not in one and "tg_pgqueuer_changed" not in one]
    assert other == []


async def test_the_library_understands_the_wake_up(alpha: Alpha) -> None:
    arrived: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listener = await postgres.open_connection(alpha.url, name="listener")
    await listener.add_listener(queue.CHANNEL, lambda *given: arrived.set_result(str(given[3])))
    await alpha.pool.execute(queue.WAKE_UP)
    assert AnyEvent.model_validate_json(await arrived).root.type == "table_changed_event"
    await listener.close()
