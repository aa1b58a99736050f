"""Taking records into the service's database: a batch is one transaction, and each event has its effects once.

In the transaction: the positions, the inbox rows, the effects. A batch that fails runs again one event a transaction;
an event that fails by itself is tried for a while and then set aside, and only its subject's later events wait for it.
Failures of the surroundings are waited out, and never make a dead letter.
"""

import asyncio
import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Generic, TypeVar

from aiokafka import TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, Pool
from services.chassis.events.consume import dead_letters, inbox
from services.chassis.events.consume.dead_letters import DeadLetter, DeadLetterState
from services.chassis.events.consume.handlers import Handlers, handle_events
from services.chassis.events.consume.offsets import NOTHING_CONSUMED, LastConsumed, OffsetConflict, advance_offsets
from services.chassis.events.envelope import MalformedEvent, RawRecord, ReceivedEvent, decode_event
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import logger
from services.contracts.declare import Event

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_MAX_CLOCK_DIFFERENCE = dt.timedelta(days=400)
"""A record's time is within this of now: the inbox has a table a day, and none is made for a day that is nonsense.

It is more than the 90 days that a log is kept. Both are the machine's time: the operator's clock may be moved by years.
"""
_MAX_LOGGED_TRACES = 50
_PAGE_SIZE = 100


DecodedRecord = tuple[RawRecord, ReceivedEvent[Event] | MalformedEvent | None]
"""A record, and what it says: None where this build does not know the type."""


class TooManyFailures(Exception):
    """Too many events of a type failed in a row: more likely this release than the events."""


class BatchProcessor(Generic[T]):
    """What a service does with records. ``bad_in_a_row``: so many failing events of one type stop it."""

    def __init__(
        self,
        handlers: Handlers[T],
        pool: Pool,
        work: UnitOfWork[T],
        clock: Clock,
        *,
        retry_s: float,
        bad_in_a_row: int,
    ) -> None:
        self._handlers = handlers
        self._pool = pool
        self._work = work
        self._clock = clock
        self._inbox_partitions = inbox.InboxPartitions(pool)
        self._retry_s = retry_s
        self._max_failures_in_a_row = bad_in_a_row
        self._failures_by_type: Counter[str] = Counter()
        self._newest_event_time: dt.datetime | None = None

    def decode(self, records: Sequence[RawRecord]) -> list[DecodedRecord]:
        """What the records say. Needs no database, so the next batch is read while this one is taken in."""
        now = dt.datetime.now(dt.UTC)
        earliest, latest = now - _MAX_CLOCK_DIFFERENCE, now + _MAX_CLOCK_DIFFERENCE
        return [(record, _decode(record, earliest, latest)) for record in records]

    async def process(
        self, batch: Sequence[DecodedRecord], places: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        """Take a batch in, whatever the surroundings do meanwhile; given up undone when ``stop`` is set.

        ``places`` is where the records' partitions were read to, and is moved along. Moved if that is no longer so;
        TooManyFailed if this release had better stop.
        """
        left, wait = batch, 0.05
        while left:
            try:
                await self._process(left, places, stop)
                return
            except TRANSIENT_DATABASE_ERRORS as error:
                self._inbox_partitions.clear_cache()
                _log.warning("batch waits", error=type(error).__name__, detail=str(error)[:200])
            await pause(stop, wait)
            if stop.is_set():
                return
            wait = min(wait * 2, 1.0)
            # What a part of the batch has done before the surroundings failed is not done again.
            left = [(record, event) for record, event in left if record.offset > _processed_offset(record, places)]

    async def replay(self, letter: DeadLetter) -> AsyncIterator[DeadLetter]:
        """Have a dead letter take effect, and in order what of its subject is set aside; each as it is done.

        One transaction each. What fails raises and stays, and so does what is behind it.
        """
        while True:
            async with self._pool.acquire() as connection:
                first = await dead_letters.next_to_replay(connection, letter)
            if first is None:
                return
            if await self._replay_one(first):
                yield first

    async def replay_parked(self) -> None:
        """Have what an older build has parked, and this one knows, take effect. What fails is a dead letter now."""
        after = 0
        while True:
            async with self._pool.acquire() as connection:
                letters = await dead_letters.page(connection, after, _PAGE_SIZE, ["PARKED"], known=True)
            for letter in letters:
                after = letter.id
                try:
                    await self._replay_one(letter)
                except TRANSIENT_DATABASE_ERRORS:
                    raise
                except Exception as error:
                    self._record_failed(letter.record, str(error))
                else:
                    _log.info("parked event handled", type=letter.record.type, id=letter.record.event_id)
            if len(letters) < _PAGE_SIZE:
                return

    def newest_event_age(self) -> float:
        """How long ago, in seconds, the newest event happened that was handled."""
        return (
            max(0.0, (self._clock.now() - self._newest_event_time).total_seconds())
            if self._newest_event_time is not None
            else 0.0
        )

    async def update_dead_letter_gauge(self) -> None:
        """Have the gauge say what lies set aside."""
        async with self._pool.acquire() as connection:
            for state, letters in (await dead_letters.count_by_state(connection)).items():
                metrics.DEAD_LETTERS.labels(state).set(letters)

    async def _process(
        self, batch: Sequence[DecodedRecord], places: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        try:
            await self._process_in_transaction(batch, places)
            return
        except (*TRANSIENT_DATABASE_ERRORS, OffsetConflict, TooManyFailures):
            raise
        except Exception as error:
            self._inbox_partitions.clear_cache()
            _log.warning("batch runs again one by one", events=len(batch), error=type(error).__name__)
        for item in batch:
            if stop.is_set():
                return
            await self._process_alone(item, places, stop)

    async def _process_alone(
        self, item: DecodedRecord, places: dict[TopicPartition, LastConsumed], stop: asyncio.Event
    ) -> None:
        began, wait = time.monotonic(), 0.05
        while True:
            try:
                await self._process_in_transaction([item], places)
                return
            except (*TRANSIENT_DATABASE_ERRORS, OffsetConflict, TooManyFailures):
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            if time.monotonic() - began + wait > self._retry_s:
                await self._add_dead_letter(item[0], reason, places)
                return
            await pause(stop, wait)
            if stop.is_set():
                return
            wait = min(wait * 2, 5.0)

    async def _add_dead_letter(
        self, record: RawRecord, reason: str, places: dict[TopicPartition, LastConsumed]
    ) -> None:
        async with self._work() as tx:
            moved = await advance_offsets(tx.connection, places, [record])
            await dead_letters.add(tx.connection, record, "FAILED", reason)
        places.update(moved)
        self._record_failed(record, reason)

    async def _process_in_transaction(
        self, batch: Sequence[DecodedRecord], places: dict[TopicPartition, LastConsumed]
    ) -> None:
        records = [record for record, _ in batch]
        events = [event for _, event in batch if type(event) is ReceivedEvent]
        await self._inbox_partitions.ensure({event.written_at.date() for event in events})
        async with self._work() as tx:
            # First: it holds off whoever else has these partitions, so that what is looked up next stays so.
            moved = await advance_offsets(tx.connection, places, records)
            fresh, letters = await self._classify(tx.connection, batch, records, events)
            known = await inbox.mark_processed(tx.connection, [(event.written_at, event.id) for event in fresh])
            handled = []
            for event in fresh:
                if event.id not in known:
                    known.add(event.id)  # it may come again in this batch
                    handled.append(event)
            await handle_events(self._handlers, tx, handled)
            for record, state, reason in letters:
                await dead_letters.add(tx.connection, record, state, reason)
        places.update(moved)
        self._record_processed(batch, handled, letters)

    async def _classify(
        self,
        connection: DatabaseConnection,
        batch: Sequence[DecodedRecord],
        records: Sequence[RawRecord],
        events: list[ReceivedEvent[Event]],
    ) -> tuple[list[ReceivedEvent[Event]], list[tuple[RawRecord, DeadLetterState, str]]]:
        """What of a batch may take effect, and what is to be set aside, and as what. Neither: what is aside already."""
        aside = await dead_letters.load_quarantine(connection, records)
        if len(events) == len(batch) and not aside.events and not aside.subjects:
            return events, []
        fresh: list[ReceivedEvent[Event]] = []
        letters: list[tuple[RawRecord, DeadLetterState, str]] = []
        waiting: dict[str, ReceivedEvent[Event]] = {}
        for record, event in batch:
            subject = (record.topic, record.subject)
            if (record.topic, record.event_id) in aside.events:
                continue
            if event is None:
                letters.append((record, "PARKED", "unknown type"))
            elif isinstance(event, MalformedEvent):
                letters.append((record, "FAILED", str(event)))
                aside.subjects.add(subject)
            elif record.subject and subject in aside.subjects:
                letters.append((record, "WAITING", "behind an event that failed"))
                waiting[record.event_id] = event
            else:
                fresh.append(event)
        if waiting:
            # Events of a blocked subject that come again took effect before it was blocked.
            times = [(event.written_at, event.id) for event in waiting.values()]
            known = await inbox.find_processed(connection, times)
            letters = [
                letter for letter in letters if letter[1] != "WAITING" or waiting[letter[0].event_id].id not in known
            ]
        return fresh, letters

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
                self._record_failed(record, reason)

    def _record_failed(self, record: RawRecord, reason: str) -> None:
        # By its class only: the rest of a reason may quote the event.
        _log.error(
            "event set aside",
            topic=record.topic,
            id=record.event_id,
            type=record.type[:200],
            reason=reason.split(":", maxsplit=1)[0],
        )
        self._failures_by_type[record.type] += 1
        if self._failures_by_type[record.type] >= self._max_failures_in_a_row:
            raise TooManyFailures

    async def _replay_one(self, letter: DeadLetter) -> bool:
        """Have one dead letter take effect; False if another replay was there before."""
        try:
            event = decode_event(letter.record)
            if event is None:
                raise MalformedEvent(f"this build does not know {letter.record.type}")
            await self._inbox_partitions.ensure([event.written_at.date()])
            async with self._work() as tx:
                await dead_letters.lock_subject(tx.connection, letter)
                if not await dead_letters.delete(tx.connection, letter):
                    return False
                # It may have taken effect meanwhile: where a build knew it, or the log came once more.
                if not await inbox.mark_processed(tx.connection, [(event.written_at, event.id)]):
                    await handle_events(self._handlers, tx, [event])
            return True
        except TRANSIENT_DATABASE_ERRORS:
            self._inbox_partitions.clear_cache()
            raise
        except Exception as error:
            self._inbox_partitions.clear_cache()
            async with self._work() as tx:
                await dead_letters.update_failed(tx.connection, letter, f"{type(error).__name__}: {error}")
            raise


def _processed_offset(record: RawRecord, places: Mapping[TopicPartition, LastConsumed]) -> int:
    return places.get(TopicPartition(record.topic, record.partition), NOTHING_CONSUMED).offset


def _decode(
    record: RawRecord, earliest: dt.datetime, latest: dt.datetime
) -> ReceivedEvent[Event] | MalformedEvent | None:
    try:
        event = decode_event(record)
    except MalformedEvent as malformed:
        return malformed
    if event is not None and not earliest <= event.written_at <= latest:
        return MalformedEvent(f"its record's time is more than {_MAX_CLOCK_DIFFERENCE.days} days from now")
    return event
