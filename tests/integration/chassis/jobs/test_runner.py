"""Jobs: enqueued with their transaction, run at least once, repeated, held, and taken over from a killed process."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import structlog
from pgqueuer.adapters.persistence.queries import Queries

from services.chassis.db.notifier import CommitNotifier
from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Row
from services.chassis.events.transaction import PostgresUnitOfWork, Transaction
from services.chassis.ids import MalformedId, read_id
from services.chassis.jobs import held_jobs, queue, runner
from services.chassis.jobs.job import Job, JobHandler, JobRun, RunAgain
from services.chassis.telemetry import tracing
from tests.integration.chassis.jobs.count_jobs import Count, counting
from tests.support.alpha import Alpha
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.support.recorded_spans import parent_of, recorded_spans

Handle = Callable[[Count, JobRun], Awaitable[None]]


async def enqueue(alpha: Alpha, *jobs: Job) -> None:
    async with alpha.work() as tx:
        for job in jobs:
            tx.enqueue(job)


async def queued(alpha: Alpha) -> Sequence[Row]:
    return await alpha.pool.fetch("SELECT * FROM chassis.pgqueuer ORDER BY id")


async def logged(alpha: Alpha, status: str) -> int:
    count: int = await alpha.pool.fetchval("SELECT count(*) FROM chassis.pgqueuer_log WHERE status::text = $1", status)
    return count


async def run_now(alpha: Alpha) -> None:
    """Make repeated jobs due at once."""
    await alpha.pool.execute("UPDATE chassis.pgqueuer SET execute_after = now() WHERE status = 'queued'")


def failing(error: Exception, *, times: int, runs: list[int]) -> Handle:
    """Return a handler that fails some times and notes each run's attempt."""

    async def run(job: Count, run: JobRun) -> None:
        runs.append(run.attempt)
        if len(runs) <= times:
            raise error

    return run


async def test_a_job_runs_after_its_transaction(alpha: Alpha) -> None:
    await enqueue(alpha, Count(number=1), Count(number=2))
    async with running_jobs(alpha.pool, counting(alpha.pool)):
        await until(lambda: alpha.tally("done"), lambda done: sorted(done) == [1, 2])
    assert await queued(alpha) == []
    assert await logged(alpha, "successful") == 2


async def test_a_job_has_a_span_in_the_trace_of_the_work_that_enqueued_it(alpha: Alpha) -> None:
    runs: list[int] = []
    with recorded_spans() as recorded:
        async with alpha.work() as tx:
            for number in (1, 2):
                with tracing.trace(f"00-{str(number) * 32}-{'b' * 16}-01"):
                    tx.enqueue(Count(number=number))
        fails = JobHandler(Count, failing(ValueError("mirja@example.fi"), times=1, runs=runs))
        async with running_jobs(alpha.pool, fails):
            await until(lambda: asyncio.sleep(0, runs), lambda runs: len(runs) >= 2)
    spans = [span for span in recorded.spans if span.name == "process count"]
    assert {f"{parent_of(span)[0]:x}" for span in spans} == {"1" * 32, "2" * 32}
    assert [(span.attributes or {}).get("error.type") for span in spans].count("ValueError") == 1
    assert "mirja" not in "".join(span.to_json() for span in spans)


async def test_a_job_of_a_rolled_back_transaction_does_not_exist(alpha: Alpha) -> None:
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            tx.enqueue(Count(number=1))
            raise RuntimeError
    assert await queued(alpha) == []


async def test_a_runner_is_woken_after_the_commit(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "POLL_INTERVAL", timedelta(seconds=3600))
    notifier, stop = CommitNotifier(alpha.pool, queue.WAKE_UP), asyncio.Event()
    work = PostgresUnitOfWork(alpha.pool, alpha.clock, Transaction, notify_jobs=notifier.notify)
    notifying = asyncio.ensure_future(notifier.run(stop))
    async with running_jobs(alpha.pool, counting(alpha.pool)):
        for number in (1, 2):
            async with work() as tx:
                tx.enqueue(Count(number=number))
            await until(lambda: alpha.tally("done"), lambda done, number=number: number in done)  # type: ignore[misc]
    stop.set()
    await notifying


async def test_a_job_has_the_trace_that_enqueued_it(alpha: Alpha) -> None:
    traces: list[str | None] = []

    async def run(job: Count, run: JobRun) -> None:
        traces.append(tracing.trace_id())

    with tracing.trace(f"00-{'a' * 32}-{'1' * 16}-01"):
        await enqueue(alpha, Count(number=1))
    async with running_jobs(alpha.pool, JobHandler(Count, run)):
        await until(lambda: logged(alpha, "successful"))
    assert traces == ["a" * 32]


async def test_a_failed_job_is_repeated_later_and_keeps_no_text(alpha: Alpha) -> None:
    secret, runs = "Mirja's own words", list[int]()
    await enqueue(alpha, Count(number=1))
    with structlog.testing.capture_logs() as logs:
        async with running_jobs(alpha.pool, JobHandler(Count, failing(ValueError(secret), times=2, runs=runs))):
            await until(lambda: logged(alpha, "successful"))
    assert runs == [1, 2, 3]
    errors = [entry["error"] for entry in logs if entry["event"] == "job failed"]
    assert errors == ["ValueError"] * 2
    assert secret not in str(logs)
    assert secret not in str(await alpha.pool.fetch("SELECT * FROM chassis.pgqueuer_log"))


async def test_a_failed_job_that_can_not_be_put_back_is_not_lost(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "HEARTBEAT_TIMEOUT", timedelta(seconds=1))
    runs, put_back, lost = list[int](), Queries.retry_job, [ConnectionResetError()]

    async def retry_job(self: Queries, *arguments: Any) -> None:
        if lost:
            raise lost.pop()
        await put_back(self, *arguments)

    monkeypatch.setattr(Queries, "retry_job", retry_job)
    await enqueue(alpha, Count(number=1))
    async with running_jobs(alpha.pool, JobHandler(Count, failing(ValueError("no"), times=1, runs=runs))):
        await until(lambda: logged(alpha, "successful"), within=20)
    assert len(runs) == 2


@pytest.mark.parametrize("held", [True, False])
async def test_a_job_that_fails_too_often_is_held_or_dropped(
    alpha: Alpha, monkeypatch: pytest.MonkeyPatch, held: bool
) -> None:
    monkeypatch.setattr(runner, "MAX_ATTEMPTS", 2)
    runs = list[int]()
    await enqueue(alpha, Count(number=1))
    failure = failing(ValueError("no text is kept"), times=2, runs=runs)
    async with running_jobs(alpha.pool, JobHandler(Count, failure, held=held)):
        await until(lambda: logged(alpha, "failed" if held else "exception"))
    assert [row["status"] for row in await queued(alpha)] == ["failed"] * held
    (failed,) = await alpha.pool.fetch(
        "SELECT traceback FROM chassis.pgqueuer_log WHERE status IN ('failed', 'exception')"
    )
    assert "ValueError" in failed["traceback"]
    assert "no text is kept" not in failed["traceback"]


async def test_errors_of_the_database_never_hold_a_job(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_ATTEMPTS", 1)
    runs = list[int]()
    await enqueue(alpha, Count(number=1))
    failure = failing(asyncpg.DeadlockDetectedError("again"), times=2, runs=runs)
    async with running_jobs(alpha.pool, JobHandler(Count, failure)):
        await until(lambda: logged(alpha, "successful"))
    assert runs == [1, 2, 3]


async def test_a_job_that_waits_is_no_failure(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_ATTEMPTS", 1)
    runs = list[int]()
    await enqueue(alpha, Count(number=1))
    with structlog.testing.capture_logs() as logs:
        async with running_jobs(alpha.pool, JobHandler(Count, failing(RunAgain(), times=3, runs=runs))):
            await until(lambda: logged(alpha, "successful"))
    assert runs == [1, 2, 3, 4]
    assert [entry for entry in logs if entry["event"] == "job failed"] == []


async def test_a_long_job_ends_with_its_process_and_goes_on_later(alpha: Alpha) -> None:
    begun, runs = asyncio.Event(), list[int]()

    async def run(job: Count, run: JobRun) -> None:
        runs.append(run.attempt)
        begun.set()
        if len(runs) == 1:
            await run.stop.wait()
        if run.stop.is_set():
            raise RunAgain

    await enqueue(alpha, Count(number=1))
    async with running_jobs(alpha.pool, JobHandler(Count, run)):
        await begun.wait()
    assert [row["status"] for row in await queued(alpha)] == ["queued"]
    async with running_jobs(alpha.pool, JobHandler(Count, run)):
        await until(lambda: logged(alpha, "successful"))
    assert runs == list(range(1, len(runs) + 1))


async def test_a_kind_has_its_own_limit_in_all_processes(alpha: Alpha) -> None:
    present, most = 0, 0

    async def run(job: Count, run: JobRun) -> None:
        nonlocal present, most
        present, most = present + 1, max(most, present + 1)
        await asyncio.sleep(0.02)
        present -= 1

    await enqueue(alpha, *(Count(number=number) for number in range(8)))
    async with running_jobs(alpha.pool, JobHandler(Count, run, concurrency=1), runners=3):
        await until(lambda: logged(alpha, "successful"), lambda done: done == 8)
    assert most == 1


async def test_an_unknown_job_waits_for_a_build_that_knows_it(alpha: Alpha) -> None:
    class Newer(Job, frozen=True, kw_only=True, tag="newer"):
        pass

    await enqueue(alpha, Newer(), Count(number=1))
    async with running_jobs(alpha.pool, counting(alpha.pool)):
        await until(lambda: alpha.tally("done"))
    assert [row["entrypoint"] for row in await queued(alpha)] == ["newer"]


async def test_runners_go_on_after_their_connections_were_cut(alpha: Alpha) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> $1"
    async with running_jobs(alpha.pool, counting(alpha.pool)):
        await enqueue(alpha, Count(number=1))
        await until(lambda: alpha.tally("done"))
        admin = await asyncpg.connect(alpha.servers.database_url(alpha.url.rpartition("/")[2]))
        await admin.execute(cut.replace("$1", "pg_backend_pid()"))
        await admin.close()
        await enqueue_when_possible(alpha, Count(number=2))
        await until(lambda: alpha.tally("done"), lambda done: done == [1, 2])


async def enqueue_when_possible(alpha: Alpha, job: Job) -> None:
    """Enqueue a job as soon as the pool has connections again."""

    async def attempt() -> bool:
        try:
            await enqueue(alpha, job)
        except TRANSIENT_DATABASE_ERRORS:
            return False
        return True

    await until(attempt)


async def test_killed_processes_lose_and_double_nothing(alpha: Alpha) -> None:
    """SIGKILL in the middle, three times; the next process takes the jobs of the killed one when its heartbeats end."""
    numbers = list(range(60))
    await enqueue(alpha, *(Count(number=number) for number in numbers))
    command = [sys.executable, "-m", "tests.integration.chassis.jobs.count_jobs", alpha.url]
    for killed in range(3):
        process = subprocess.Popen(command)
        await until(lambda: alpha.tally("done"), lambda done, least=8 * (killed + 1): len(done) >= least)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
        # The heartbeats of the killed process end now, and not seconds later.
        await alpha.pool.execute("UPDATE chassis.pgqueuer SET heartbeat = '-infinity' WHERE status = 'picked'")
    async with running_jobs(alpha.pool, counting(alpha.pool)):
        await until(lambda: queued(alpha), lambda rows: rows == [])
    assert sorted(await alpha.tally("done")) == numbers
    assert sorted(set(await alpha.tally("started"))) == numbers


async def test_held_jobs_are_listed_and_run_again(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "MAX_ATTEMPTS", 1)
    runs = list[int]()
    await enqueue(alpha, Count(number=7), Count(number=8))
    async with running_jobs(alpha.pool, JobHandler(Count, failing(KeyError("secret"), times=2, runs=runs))):
        await until(lambda: logged(alpha, "failed"), lambda held: held == 2)
        async with alpha.pool.acquire() as connection:
            (count,) = await held_jobs.counts(connection)
            first, second = await held_jobs.held(connection, 10)
            assert (count.name, count.state, count.count) == ("count", "held", 2)
            assert (first.subject, first.attempts, second.subject) == ("number=7", 1, "number=8")
            assert first.reason == "KeyError"
            assert await held_jobs.discard(connection, second.id) == 1
            assert await held_jobs.retry(connection, None) == 1
        await until(lambda: logged(alpha, "successful"))
    assert await queued(alpha) == []


def test_the_place_of_an_error_is_its_innermost_one_in_the_services() -> None:
    with pytest.raises(MalformedId) as caught:
        read_id("site", "nothing")
    assert re.fullmatch(r"MalformedId at chassis/ids\.py:\d+", runner.place_of(caught.value))
