"""The runner of a service's jobs: takes them from the queue, and decides what follows an error."""

import asyncio
import time
import traceback
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.jobs.job import AnyJobHandler, JobRun, RunAgain, name_of
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics, spans
from services.chassis.telemetry.logging import logger

if TYPE_CHECKING:
    from services.chassis.jobs.compat import QueuedJob

_log = logger(__name__)

POLL_INTERVAL = timedelta(seconds=1)
"""The time in which a job is found whose wake-up was lost."""
HEARTBEAT_TIMEOUT = timedelta(seconds=10)
"""The time after which the jobs of a process that died are taken by another."""
MAX_ATTEMPTS = 12
"""The runs of a job that fails, over 68 minutes; then it is held for ``kierto jobs retry``."""
_MAX_DELAY_S = 3600
_BATCH_SIZE = 5
_RESTART_DELAY_S = 0.5
_SERVICES = f"{Path(__file__).parents[2]}/"


class JobFailed(Exception):
    """A job's error as the log keeps it: its class and its place. The error's own text may quote personal data."""


class JobRunner:
    """Runs the jobs of one service, at most ``concurrency`` at a time in this process."""

    def __init__(self, pool: Pool, handlers: Sequence[AnyJobHandler], *, concurrency: int = 10) -> None:
        self._pool = pool
        self._handlers = handlers
        self._concurrency = concurrency

    async def run(self, stop: asyncio.Event) -> None:
        """Run jobs until ``stop`` is set; present ones are finished, or end between two of their steps."""
        while not stop.is_set():
            try:
                await self._run_manager(stop)
            except TRANSIENT_DATABASE_ERRORS as error:
                _log.warning("jobs waiting for database", error=type(error).__name__)
                await pause(stop, _RESTART_DELAY_S)

    async def _run_manager(self, stop: asyncio.Event) -> None:
        from services.chassis.jobs import compat  # imported late: only the processes that run jobs pay for it

        manager = compat.queue_manager(self._pool)
        for handler in self._handlers:
            manager.entrypoint(
                name_of(handler.kind),
                concurrency_limit=handler.concurrency,
                accepts_context=False,
                on_failure="hold" if handler.held else "delete",
            )(self._runs(handler, stop))
        stopping = asyncio.ensure_future(self._stop_with(manager.shutdown, stop))
        try:
            await manager.run(
                dequeue_timeout=POLL_INTERVAL,
                batch_size=_BATCH_SIZE,
                max_concurrent_tasks=self._concurrency,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                log_aggregation_interval=timedelta(0),
            )
        finally:
            stopping.cancel()

    @staticmethod
    async def _stop_with(shutdown: asyncio.Event, stop: asyncio.Event) -> None:
        await stop.wait()
        shutdown.set()

    def _runs(self, handler: AnyJobHandler, stop: asyncio.Event) -> Any:
        decode, name = msgspec.json.Decoder(handler.kind).decode, name_of(handler.kind)

        async def run(queued: "QueuedJob") -> None:
            traceparent = (queued.headers or {}).get("traceparent")
            began = time.perf_counter()
            outcome = "done"
            failure: Exception | None = None
            with spans.trace_job(name, traceparent if isinstance(traceparent, str) else None) as span:
                try:
                    await handler.run(decode(queued.payload or b"{}"), JobRun(queued.attempts + 1, stop))
                except Exception as error:
                    outcome, failure = _judge(error, queued.attempts + 1)
                    if not isinstance(error, RunAgain):
                        _log.warning(
                            "job failed", job=name, id=queued.id, attempt=queued.attempts + 1, error=place_of(error)
                        )
                        if span is not None:
                            spans.record_failure(span, type(error).__name__)
                finally:
                    metrics.JOBS.labels(name, outcome).inc()
                    metrics.JOB_SECONDS.labels(name).observe(time.perf_counter() - began)
            if failure is not None:
                raise failure

        return run


def _judge(error: Exception, attempt: int) -> tuple[str, Exception]:
    """Return the metric's outcome of a failed run, and the exception that tells the library what follows."""
    from services.chassis.jobs import compat

    if isinstance(error, RunAgain):
        return "again", compat.run_again(error.delay_s, "")
    delay_s = min(_MAX_DELAY_S, 2 ** (attempt - 1))
    if isinstance(error, TRANSIENT_DATABASE_ERRORS) or attempt < MAX_ATTEMPTS:
        return "failed", compat.run_again(delay_s, place_of(error))
    return "held", JobFailed(place_of(error))


def place_of(error: BaseException) -> str:
    """Return an error's class and its innermost place in the services: ``ValueError at sites/store/sites.py:12``."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(_SERVICES) and frame.filename != __file__]
    if not own:
        return type(error).__name__
    return f"{type(error).__name__} at {own[-1].filename.removeprefix(_SERVICES)}:{own[-1].lineno}"
