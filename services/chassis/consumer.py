"""The consumer loop of a worker: batches of events, each batch one database transaction, each event one effect.

In the transaction: the inbox rows, the effects, the positions. A batch that fails runs again one event a transaction;
an event that fails by itself is tried for a while and then set aside, and only its subject's later events wait for it.
The position in the database is what counts, not the one committed to Kafka (which is for lag figures).
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer

from services.chassis import dead_letters, envelope, inbox, metrics, tracing
from services.chassis.envelope import MalformedEvent, Raw, Received, understand
from services.chassis.kafka import BROKER_AWAY, ensure_topics
from services.chassis.logging import logger
from services.chassis.pause import pause
from services.chassis.positions import Positions, save_positions
from services.chassis.postgres import NO_ONES_FAULT, Pool
from services.chassis.transaction import Transaction, UnitOfWork
from services.contracts.declare import Event

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)
Handlers = Mapping[type[Event], Callable[[T, Received[Any]], Awaitable[None]]]


class Patience(Exception):
    """Too many events in a row failed: more likely this release than the events."""


class Consumer(Generic[T]):
    """Reads topics in the group of its service. ``slot`` tells the service's workers apart (static membership)."""

    def __init__(
        self,
        service: str,
        slot: int,
        bootstrap: str,
        topics: Sequence[str],
        handlers: Handlers[T],
        pool: Pool,
        work: UnitOfWork[T],
        *,
        retry_s: float = 30.0,
        bad_in_a_row: int = 20,
    ) -> None:
        self._group = f"kierto.{service}"
        self._member = f"kierto.{service}.{slot}"
        self._bootstrap = bootstrap
        self._topics = list(topics)
        self._handlers = handlers
        self._pool = pool
        self._work = work
        self._days = inbox.Days(pool)
        self._retry_s = retry_s
        self._patience = bad_in_a_row
        self._bad_in_a_row = 0
        self.ready = False

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until ``stop`` is set; a batch under way is finished."""
        while not stop.is_set():
            try:
                await ensure_topics(self._bootstrap, self._topics)
                await self._replay_parked()
                await self._consume(stop)
            except Patience:
                self.ready = False
                _log.error("consumer stopped: too many dead letters in a row", limit=self._patience)
                await stop.wait()
            except (*BROKER_AWAY, *NO_ONES_FAULT) as error:
                self.ready = False
                _log.warning("consumer waits", error=type(error).__name__, detail=str(error)[:200])
                await pause(stop, 0.3)

    async def _consume(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            group_instance_id=self._member,
            client_id=self._member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=9000,
            heartbeat_interval_ms=1000,
            request_timeout_ms=15000,
            max_poll_records=500,
            metadata_max_age_ms=10_000,
        )
        positions = Positions(self._pool, consumer)
        consumer.subscribe(self._topics, listener=positions)
        await consumer.start()
        try:
            self.ready = True
            while not stop.is_set():
                polled = await consumer.getmany(timeout_ms=250)
                if positions.failure is not None:
                    raise positions.failure
                batch = positions.checked(
                    [
                        envelope.raw(m.topic, m.partition, m.offset, m.key, m.value, m.headers)
                        for messages in polled.values()
                        for m in messages
                    ]
                )
                if batch:
                    await self._handle_batch(batch, stop)
                    with contextlib.suppress(*BROKER_AWAY):
                        await consumer.commit()
        finally:
            with contextlib.suppress(*BROKER_AWAY):
                await asyncio.wait_for(consumer.stop(), 5)

    async def _handle_batch(self, batch: Sequence[Raw], stop: asyncio.Event) -> None:
        try:
            await self._in_one_transaction(batch)
            self._bad_in_a_row = 0
            return
        except NO_ONES_FAULT:
            raise
        except Exception as error:
            _log.warning("batch runs again one by one", events=len(batch), error=type(error).__name__)
        for record in batch:
            await self._handle_alone(record, stop)

    async def _handle_alone(self, record: Raw, stop: asyncio.Event) -> None:
        began, pause = time.monotonic(), 0.05
        while True:
            try:
                await self._in_one_transaction([record])
                self._bad_in_a_row = 0
                return
            except NO_ONES_FAULT:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                hopeless = isinstance(error, MalformedEvent) or time.monotonic() - began + pause > self._retry_s
            if hopeless:
                await self._set_aside(record, reason)
                return
            if stop.is_set():
                raise TimeoutError("stopped while an event was tried again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)

    async def _set_aside(self, record: Raw, reason: str) -> None:
        async with self._work() as tx:
            await dead_letters.set_aside(tx.connection, record, "FAILED", reason)
            await save_positions(tx.connection, [record])
        _log.error(
            "event set aside",
            topic=record.topic,
            id=record.event_id,
            type=record.type,
            reason=reason.split(":", maxsplit=1)[0],
        )
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= self._patience:
            raise Patience

    async def _in_one_transaction(self, batch: Sequence[Raw]) -> None:
        understood = [(record, understand(record)) for record in batch]
        events = [event for _, event in understood if event is not None]
        await self._days.ensure(event.time.astimezone(dt.UTC).date() for event in events)
        async with self._work() as tx:
            blocked = await dead_letters.blocked(tx.connection, [record.subject for record in batch])
            new = await inbox.take_in(tx.connection, [(event.time, event.id) for event in events]) if events else set()
            for record, event in understood:
                if event is None:
                    await dead_letters.set_aside(tx.connection, record, "PARKED", "unknown type")
                elif event.id not in new:
                    metrics.EVENTS_REPEATED.inc()
                elif (record.topic, record.subject) in blocked:
                    await dead_letters.set_aside(tx.connection, record, "WAITING", "behind an event that failed")
                else:
                    new.discard(event.id)  # a repeat inside this batch
                    await self.handle(tx, event)
            await save_positions(tx.connection, batch)
        _log.info("consumed", events=len(events), traces=tracing.ids(event.traceparent for event in events))
        for event in events:
            metrics.EVENTS_CONSUMED.labels(event.type.name).inc()
        if events:
            metrics.CONSUMER_SECONDS_BEHIND.set(max(0.0, time.time() - events[-1].time.timestamp()))

    async def handle(self, tx: T, event: Received[Event]) -> None:
        """Give an event to its use case; a type that this service does not listen to has no effect."""
        handler = self._handlers.get(event.type.struct)
        if handler is not None:
            with tracing.trace(event.traceparent):
                await handler(tx, event)

    async def replay(self, letter: dead_letters.DeadLetter) -> int:
        """Handle a dead letter and what waits behind it, in one transaction; how many events that were."""
        async with self._work() as tx:

            async def handle(record: Raw) -> None:
                event = understand(record)
                if event is None:
                    raise MalformedEvent(f"this build does not know {record.type}")
                await self.handle(tx, event)

            return await dead_letters.replay(tx.connection, letter, handle)

    async def _replay_parked(self) -> None:
        """Handle what an older build has parked and this one knows."""
        async with self._pool.acquire() as connection:
            letters = await dead_letters.dead_letters(connection)
        for letter in letters:
            if letter.state == "PARKED" and understand(letter.record) is not None:
                _log.info("parked event handled", type=letter.record.type, events=await self.replay(letter))
