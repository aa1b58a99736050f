"""S4, S5, S8: when messages are sent, and each once, whatever happens meanwhile."""

import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import structlog

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id
from services.chassis.jobs.schedule import JobSchedule
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.settings import SocketAddress
from services.contracts.orders.pickups import PickupState
from services.hosting import processes
from services.support.app import SUPPORT
from services.support.messaging.jobs import messages_job
from services.support.settings import SupportSettings
from services.support.usecases.send_messages import send_messages
from tests.component.support.forms import Harness, an_id, form, known_site, member_of, send
from tests.component.support.message_sources import (
    DAY,
    Customer,
    FakeOwners,
    address_of,
    addresses,
    mails,
    send_due,
    set_last_restore,
    states,
)
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness


class ProcessKilled(BaseException):
    """The process is killed."""


# The times.


async def test_what_can_wait_is_sent_after_the_quiet_hours(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 18, 30, tzinfo=dt.UTC)  # 20:30 in Helsinki
    await customer.failed()
    await customer.placed()
    enqueued = await harness.pool.fetch("SELECT payload FROM chassis.pgqueuer")
    assert len(enqueued) == 1, "the order's confirmation alone"
    await send_due(harness, owners)
    assert sorted(await states(harness)) == [("COULD_NOT_EMPTY", "DUE"), ("ORDER_CONFIRMED", "TOLD")]
    harness.clock.instant = dt.datetime(2026, 3, 5, 5, tzinfo=dt.UTC)  # 7:00 in Helsinki
    await send_due(harness, owners)
    assert [state for _, state in await states(harness)] == ["TOLD", "TOLD"]


async def test_what_is_late_in_the_evening_is_put_off(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 17, 59, tzinfo=dt.UTC)
    await customer.failed()
    harness.clock.move(minutes=1)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("COULD_NOT_EMPTY", "DUE")])
    due_at = await harness.pool.fetchval("SELECT due_at FROM message_causes")
    assert due_at == dt.datetime(2026, 3, 5, 5, tzinfo=dt.UTC)


async def test_the_schedule_enqueues_what_is_due_once(harness: Harness, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 18, 30, tzinfo=dt.UTC)
    await customer.failed()
    await customer.placed()
    schedule = JobSchedule(harness.pool, harness.clock, [], SUPPORT.due_rows)
    await schedule.tick()
    queued = "SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = 'send-messages'"
    assert await harness.pool.fetchval(queued) == 1, "the confirmation is in the queue already, the other not due"
    harness.clock.move(hours=11)
    await schedule.tick()
    await schedule.tick()
    assert await harness.pool.fetchval(queued) == 2


async def test_nobody_is_told_of_a_cause_of_three_days_ago(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    harness.clock.move(days=3)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "EXPIRED")])


async def test_an_old_event_is_no_cause(harness: Harness, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    received = harness._received

    def of_three_days_ago(event: object) -> object:
        return msgspec.structs.replace(received(event), time=harness.clock.now() - dt.timedelta(days=3))  # type: ignore[arg-type]

    monkeypatch.setattr(harness, "_received", of_three_days_ago)
    await customer.placed()
    assert await states(harness) == []


async def test_an_imported_report_of_a_past_pickup_is_no_cause(harness: Harness, customer: Customer) -> None:
    await customer.recorded(PickupState.FAILED, harness.clock.now() - dt.timedelta(days=3))
    assert await states(harness) == []
    await customer.recorded(PickupState.FAILED, harness.clock.now() - dt.timedelta(days=2))
    assert await states(harness) == [("COULD_NOT_EMPTY", "DUE")]


async def test_a_day_that_is_over_is_no_cause(harness: Harness, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 12, 29, 12, tzinfo=dt.UTC)
    await customer.moved(DAY)
    assert await states(harness) == []
    await customer.moved(dt.date(2026, 12, 29))
    assert await states(harness) == [("DAY_CHANGED", "DUE")]


# Once, whatever happens.


async def test_the_owners_are_called_outside_any_transaction(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()

    async def no_transaction_is_open() -> None:
        assert not await harness.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )

    owners.meanwhile = no_transaction_is_open
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1


async def test_two_runs_at_the_same_time_write_one_mail(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    faster = FakeOwners()
    faster.orders = owners.orders

    async def another_is_faster() -> None:
        await send_due(harness, faster)

    owners.meanwhile = another_is_faster
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1


async def test_a_cause_that_was_told_asks_nobody(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await customer.placed()
    await send_due(harness, owners)
    before = list(owners.requested)
    (row,) = await harness.pool.fetch("SELECT id FROM message_causes")
    await send_messages(harness.work, owners.sources, row["id"])
    await send_messages(harness.work, owners.sources, read_id("order", customer.order))
    assert owners.requested == before


async def test_a_cause_that_is_due_again_is_told_to_nobody_twice(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    first = await member_of(harness, customer.org)
    await customer.placed()
    await send_due(harness, owners)
    second = await member_of(harness, customer.org)
    await harness.pool.execute("UPDATE message_causes SET state = 'DUE', due_at = at")
    await harness.pool.execute("DELETE FROM chassis.mail")
    await send_due(harness, owners)
    assert await addresses(harness) == [address_of(second.subject_id)], first


@pytest.mark.parametrize("moment", ["while an owner is called", "before the commit"])
async def test_a_process_that_is_killed_leaves_the_cause_due(
    harness: Harness, customer: Customer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    await member_of(harness, customer.org)
    await send(harness, await member_of(harness, customer.org), form(customer.site))
    killed = FakeOwners(*([ProcessKilled()] if moment.startswith("while") else []))
    with monkeypatch.context() as patch:

        async def die(_: object) -> bool:
            raise ProcessKilled

        async def from_now_on() -> None:
            patch.setattr("services.support.store.transaction.SupportTransaction.flush", die)

        killed.meanwhile = from_now_on
        with pytest.raises(ProcessKilled):
            await send_due(harness, killed)
    assert (await mails(harness), await states(harness)) == ([], [("RECEIPT", "DUE")])
    await send_due(harness, FakeOwners())
    assert len(await mails(harness)) == 1


async def test_jobs_run_side_by_side_and_go_on_after_trouble(harness: Harness) -> None:
    secret = "user's own words"
    owners = FakeOwners(RuntimeError(secret), NotReadyYet("away"))
    with structlog.testing.capture_logs() as logs:
        async with running_jobs(harness.pool, messages_job(harness.work, owners.sources), runners=2):
            for _ in range(5):
                org = an_id("org")
                await send(harness, await member_of(harness, org), form(await known_site(harness, org)))
            await until(lambda: mails(harness), lambda sent: len(sent) == 5)
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["job failed"]
    assert secret not in str(logs)
    assert secret not in str(await harness.pool.fetch("SELECT traceback FROM chassis.pgqueuer_log"))


async def test_messages_wait_while_identity_does_not_answer(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    clock.instant = dt.datetime.now(dt.UTC)  # the process has the machine's
    database_url = await make_database(SUPPORT)
    harness = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await set_last_restore(harness.pool, None)
    org = an_id("org")
    await send(harness, await member_of(harness, org), form(await known_site(harness, org)))
    nowhere = "http://127.0.0.1:1"
    settings = SupportSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url=database_url,
        kafka="127.0.0.1:1",
        files_key=base64.b64encode(bytes(32)).decode(),
        files_url=tmp_path.as_uri(),
        identity_url=nowhere,
        sites_url=nowhere,
        orders_url=nowhere,
        stats_url=nowhere,
    )
    attempts = "SELECT attempts FROM chassis.pgqueuer WHERE status = 'queued' AND entrypoint = 'send-messages'"
    async with (
        processes.open_runtime(SUPPORT, settings, "jobs") as runtime,
        running_jobs(harness.pool, *processes.job_handlers(SUPPORT, runtime)),
    ):
        await until(lambda: harness.pool.fetchval(attempts), lambda count: (count or 0) >= 2)
    assert await mails(harness) == []
