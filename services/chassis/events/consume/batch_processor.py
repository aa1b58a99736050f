"""Processing of batches: one transaction has a batch's offsets, inbox rows and effects, so each event's effects once.

A batch that fails is retried with one transaction an event. An event that fails by itself is retried for a while and
then dead-lettered, and only later events of its subject wait for it. Errors of the database are retried for ever, and
never make a dead letter.
"""

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events.consume import dead_letters, inbox, quarantine
from services.chassis.events.consume.dead_letters import DeadLetterState
from services.chassis.events.consume.handlers import Handlers, handle_events
from services.chassis.events.consume.offset_verification import LastConsumed
from services.chassis.events.consume.offsets import NOTHING_CONSUMED, OffsetConflict, advance_offsets
from services.chassis.events.envelope import (
    DecodedRecord,
    MalformedEvent,
    RawRecord,
    ReceivedEvent,
    UnknownEvent,
    decode_event,
)
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import logger
from services.contracts.declare import Event

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_MAX_CLOCK_DIFFERENCE = dt.timedelta(days=400)
"""The largest difference of a record's timestamp from now: no inbox partition is created for an implausible day.

It exceeds the log's retention of 90 days. Both are by the machine's clock: the operator's may be moved by years.
"""
_MAX_LOGGED_TRACES = 50


class TooManyFailures(Exception):
    """Too many events of a type failed in a row: the fault is more likely of this release than of the events."""


class BatchProcessor(Generic[T]):
    """Decodes records and handles their events. ``max_failures_in_a_row`` is counted for each event type."""

    def __init__(
        self,
        handlers: Handlers[T],
        pool: Pool,
        work: UnitOfWork[T],
        clock: Clock,
        *,
        retry_s: float,
        max_failures_in_a_row: int,
    ) -> None:
        self._handlers = handlers
        self._pool = pool
        self._work = work
        self._clock = clock
        self._inbox_partitions = inbox.InboxPartitions(pool)
        self._retry_s = retry_s
        self._max_failures_in_a_row = max_failures_in_a_row
        self._failures_by_type: Counter[str] = Counter()
        self._newest_event_time: dt.datetime | None = None

    def decode(self, records: Sequence[RawRecord]) -> list[DecodedRecord]:
        """Decode records. It needs no database, so the next batch is decoded while one is processed."""
        now = dt.datetime.now(dt.UTC)
        earliest, latest = now - _MAX_CLOCK_DIFFERENCE, now + _MAX_CLOCK_DIFFERENCE
        return [(record, _decode(record, earliest, latest)) for record in records]

    async def process(
        self, batch: Sequence[DecodedRecord], last_consumed: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        """Process a batch, retrying while the database is unavailable; unfinished only if ``stop`` is set.

        ``last_consumed`` is the state of the records' partitions, and is updated. Raises OffsetConflict if the database
        has another, and TooManyFailures.
        """
        remaining, wait = batch, 0.05
        while remaining:
            try:
                await self._process(remaining, last_consumed, stop)
                return
            except TRANSIENT_DATABASE_ERRORS as error:
                self._inbox_partitions.clear_cache()
                _log.warning("batch retried: database unavailable", error=type(error).__name__, detail=str(error)[:200])
            await pause(stop, wait)
            if stop.is_set():
                return
            wait = min(wait * 2, 1.0)
            # A part of the batch may have been committed before the failure.
            remaining = [
                (record, event)
                for record, event in remaining
                if record.offset > _processed_offset(record, last_consumed)
            ]

    def newest_event_age(self) -> float:
        """Return the age of the newest handled event in seconds."""
        return (
            max(0.0, (self._clock.now() - self._newest_event_time).total_seconds())
            if self._newest_event_time is not None
            else 0.0
        )

    async def update_dead_letter_gauge(self) -> None:
        """Set the gauge of dead letters."""
        async with self._pool.acquire() as connection:
            for state, count in (await dead_letters.count_by_state(connection)).items():
                metrics.DEAD_LETTERS.labels(state).set(count)

    async def _process(
        self, batch: Sequence[DecodedRecord], last_consumed: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        try:
            await self._process_in_transaction(batch, last_consumed)
            return
        except (*TRANSIENT_DATABASE_ERRORS, OffsetConflict, TooManyFailures):
            raise
        except Exception as error:
            self._inbox_partitions.clear_cache()
            _log.warning("batch failed: retrying its events one by one", events=len(batch), error=type(error).__name__)
        for decoded in batch:
            if stop.is_set():
                return
            await self._process_alone(decoded, last_consumed, stop)

    async def _process_alone(
        self, decoded: DecodedRecord, last_consumed: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        began, wait = time.monotonic(), 0.05
        while True:
            try:
                await self._process_in_transaction([decoded], last_consumed)
                return
            except (*TRANSIENT_DATABASE_ERRORS, OffsetConflict, TooManyFailures):
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            if time.monotonic() - began + wait > self._retry_s:
                await self._add_dead_letter(decoded[0], reason, last_consumed)
                return
            await pause(stop, wait)
            if stop.is_set():
                return
            wait = min(wait * 2, 5.0)

    async def _add_dead_letter(
        self, record: RawRecord, reason: str, last_consumed: dict[TopicPartition, LastConsumed]
    ) -> None:
        async with self._work() as tx:
            advanced = await advance_offsets(tx.connection, last_consumed, [record])
            await dead_letters.add(tx.connection, record, "FAILED", reason)
        last_consumed.update(advanced)
        self.record_failed(record, reason)

    async def _process_in_transaction(
        self, batch: Sequence[DecodedRecord], last_consumed: dict[TopicPartition, LastConsumed]
    ) -> None:
        records = [record for record, _ in batch]
        events = [event for _, event in batch if type(event) is ReceivedEvent]
        await self._inbox_partitions.ensure({event.written_at.date() for event in events})
        async with self._work() as tx:
            # First: its lock excludes other workers of these partitions from the reads below.
            advanced = await advance_offsets(tx.connection, last_consumed, records)
            fresh, letters = await quarantine.classify(tx.connection, batch, records, events)
            known = await inbox.mark_processed(tx.connection, [(event.written_at, event.id) for event in fresh])
            handled = []
            for event in fresh:
                if event.id not in known:
                    known.add(event.id)  # the batch may contain a duplicate
                    handled.append(event)
            await handle_events(self._handlers, tx, handled)
            for record, state, reason in letters:
                await dead_letters.add(tx.connection, record, state, reason)
        last_consumed.update(advanced)
        self._record_processed(batch, handled, letters)

    def _record_processed(
        self,
        batch: Sequence[DecodedRecord],
        handled: Sequence[ReceivedEvent[Event]],
        letters: Sequence[tuple[RawRecord, DeadLetterState, str]],
    ) -> None:
        if handled:
            traces = tracing.trace_ids(event.traceparent for event in handled[:_MAX_LOGGED_TRACES])
            _log.info("consumed", events=len(handled), traces=traces)
            self._newest_event_time = handled[-1].time
        for name, count in Counter(event.type.name for event in handled).items():
            metrics.EVENTS_CONSUMED.labels(name).inc(count)
            self._failures_by_type.pop(name, None)
        metrics.EVENTS_DUPLICATE.inc(len(batch) - len(handled) - len(letters))
        for record, state, reason in letters:
            if state == "FAILED":
                self.record_failed(record, reason)

    def record_failed(self, record: RawRecord, reason: str) -> None:
        """Log and count an event that became a failed dead letter. Raises TooManyFailures."""
        # Only the error's class: the rest of a reason may quote the event.
        _log.error(
            "event dead-lettered",
            topic=record.topic,
            id=record.event_id,
            type=record.type[:200],
            reason=reason.split(":", maxsplit=1)[0],
        )
        self._failures_by_type[record.type] += 1
        if self._failures_by_type[record.type] >= self._max_failures_in_a_row:
            raise TooManyFailures


def _processed_offset(record: RawRecord, last_consumed: Mapping[TopicPartition, LastConsumed]) -> int:
    return last_consumed.get(TopicPartition(record.topic, record.partition), NOTHING_CONSUMED).offset


def _decode(
    record: RawRecord, earliest: dt.datetime, latest: dt.datetime
) -> ReceivedEvent[Event] | UnknownEvent | MalformedEvent:
    try:
        event = decode_event(record)
    except MalformedEvent as malformed:
        return malformed
    if isinstance(event, ReceivedEvent) and not earliest <= event.written_at <= latest:
        return MalformedEvent(f"its record's time is more than {_MAX_CLOCK_DIFFERENCE.days} days from now")
    return event
