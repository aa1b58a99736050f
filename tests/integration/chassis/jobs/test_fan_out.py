"""Fan-outs: the events of many things after one change, page by page, each once, the newest change's last."""

import asyncio
import uuid
from collections.abc import Sequence

import pytest

from services.chassis.events.transaction import Transaction
from services.chassis.jobs import fan_out
from services.chassis.jobs.fan_out import FanOutRunner, RunFanOut
from services.chassis.jobs.job import JobHandler, JobRun, RunAgain
from tests.support.alpha import Alpha, ThingCounted
from tests.support.job_runner import running_jobs
from tests.support.polling import until

THINGS = [uuid.UUID(int=number) for number in range(1, 8)]
SUBJECTS = "SELECT subject FROM chassis.outbox ORDER BY position"


async def emit_page(tx: Transaction, subject: str, after: uuid.UUID, limit: int) -> Sequence[uuid.UUID]:
    page = [thing for thing in THINGS if thing > after][:limit]
    for thing in page:
        tx.emit(ThingCounted(thing_id=f"{subject} {thing.int}", number=1))
    return page


def runner_of(alpha: Alpha) -> FanOutRunner[Transaction]:
    return FanOutRunner(alpha.pool, alpha.work, {"change": emit_page})


async def start(alpha: Alpha, subject: str) -> RunFanOut:
    async with alpha.work() as tx:
        await tx.start_fan_out("change", subject)
    version: int = await alpha.pool.fetchval("SELECT version FROM chassis.fan_outs WHERE subject = $1", subject)
    return RunFanOut(kind="change", subject=subject, version=version)


async def emitted(alpha: Alpha) -> list[str]:
    return [row["subject"] for row in await alpha.pool.fetch(SUBJECTS)]


def events_of(subject: str) -> list[str]:
    return [f"{subject} {thing.int}" for thing in THINGS]


@pytest.mark.parametrize("page", [1, 3, 7, 8])
async def test_each_thing_gets_its_event_once(alpha: Alpha, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(fan_out, "PAGE_SIZE", page)
    job = await start(alpha, "a")
    async with running_jobs(alpha.pool, JobHandler(RunFanOut, runner_of(alpha).run)):
        await until(lambda: alpha.pool.fetchval("SELECT count(*) FROM chassis.fan_outs"), lambda count: count == 0)
    assert await emitted(alpha) == events_of("a")
    await runner_of(alpha).run(job, JobRun(2, asyncio.Event()))
    assert await emitted(alpha) == events_of("a"), "a second run finds nothing to do"


async def test_a_later_change_takes_the_place_of_the_former(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "PAGE_SIZE", 3)
    former = await start(alpha, "a")
    runner = runner_of(alpha)
    assert await runner._emit_page(former)
    later = await start(alpha, "a")
    await runner.run(former, JobRun(1, asyncio.Event()))
    assert await emitted(alpha) == events_of("a")[:3]
    await runner.run(later, JobRun(1, asyncio.Event()))
    assert await emitted(alpha) == events_of("a")[:3] + events_of("a")


async def test_a_stopping_process_leaves_a_fan_out_between_two_pages(
    alpha: Alpha, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PAGE_SIZE", 3)
    job, stop = await start(alpha, "a"), asyncio.Event()
    runner = runner_of(alpha)
    await runner._emit_page(job)
    stop.set()
    with pytest.raises(RunAgain):
        await runner.run(job, JobRun(1, stop))
    await runner.run(job, JobRun(2, asyncio.Event()))
    assert await emitted(alpha) == events_of("a")


async def test_a_fan_out_waits_while_many_events_are_unpublished(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "MAX_UNPUBLISHED", 2)
    job = await start(alpha, "a")
    await alpha.emit([1, 2, 3])
    with pytest.raises(RunAgain):
        await runner_of(alpha).run(job, JobRun(1, asyncio.Event()))
    assert len(await emitted(alpha)) == 3
    await alpha.pool.execute("DELETE FROM chassis.outbox")
    await runner_of(alpha).run(job, JobRun(2, asyncio.Event()))
    assert await emitted(alpha) == events_of("a")


async def test_a_change_that_is_rolled_back_starts_nothing(alpha: Alpha) -> None:
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            await tx.start_fan_out("change", "a")
            raise RuntimeError
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.fan_outs") == 0
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.pgqueuer") == 0
