"""The publish loop of a leader with one cluster, until the first error.

A batch is sequenced, published, acknowledged, and the checkpoint saved; the next one is sequenced meanwhile. After an
error the leader starts a new loop from the checkpoint, so that a duplicate has the same id and the same sequence.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

from aiokafka import TopicPartition
from opentelemetry.trace import SpanKind

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.publish import lease, sequencer
from services.chassis.events.publish.checkpoint import PublishProgress
from services.chassis.events.publish.producer import EventProducer
from services.chassis.events.publish.sequencer import EventBatch, SequencedEvent
from services.chassis.telemetry import metrics, spans, tracing
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_POLL_INTERVAL_S = 0.1
_CHECK_INTERVAL_S = 1.0
_CHECK_TIMEOUT_S = 5.0


class PublishLoop:
    """Publishes every event to ``topic``, and the public ones to ``partners_topic`` if there is one."""

    def __init__(
        self,
        connection: DatabaseConnection,
        epoch: int,
        progress: PublishProgress,
        producer: EventProducer,
        notified: asyncio.Event,
        topic: str,
        partners_topic: str | None,
    ) -> None:
        self._connection = connection
        self._epoch = epoch
        self._progress = progress
        self._producer = producer
        self._notified = notified
        self._topic = topic
        self._partners_topic = partners_topic
        self._resume_after: int | None = progress.up_to
        """The last event read of those with a sequence; None once they are all read."""
        self._checked_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop`` is set, and finish the batch in flight.

        Raises ClusterChanged, LeadershipLost and TRANSIENT_BROKER_ERRORS.
        """
        batch = await self._next_batch()
        while not stop.is_set():
            by_partition = self._unpublished_by_partition(batch)
            if by_partition:
                batch = await self._publish(batch, by_partition)
            else:
                if batch.up_to > self._progress.up_to:
                    await self._progress.acknowledge({}, {}, batch.up_to)
                    await self._progress.save(self._connection, self._epoch, ())
                if not batch.events:
                    await self._wait_for_events()
                batch = await self._next_batch()
            await self._check()

    async def _next_batch(self) -> EventBatch:
        """Return the next batch: first of events with a sequence, then of those that get theirs now.

        Without a notification it reads before it writes: an idle relay must not write ten times a second.
        """
        if self._resume_after is not None:
            batch = await sequencer.read_sequenced(self._connection, self._resume_after)
            self._resume_after = batch.up_to if batch.events else None
            return batch
        notified = self._notified.is_set()
        self._notified.clear()
        if not notified and not await sequencer.any_unsequenced(self._connection):
            return EventBatch((), self._progress.up_to)
        return await sequencer.assign_sequences(self._connection, self._epoch)

    def _unpublished_by_partition(self, batch: EventBatch) -> dict[TopicPartition, list[SequencedEvent]]:
        by_partition: dict[TopicPartition, list[SequencedEvent]] = {}
        for event in batch.events:
            partition = TopicPartition(self._topic, event.partition)
            if self._progress.lacks(partition, event.sequence):
                by_partition.setdefault(partition, []).append(event)
            if event.public and self._partners_topic is not None:
                partition = TopicPartition(self._partners_topic, event.partition)
                if self._progress.lacks(partition, event.sequence):
                    by_partition.setdefault(partition, []).append(event)
        return by_partition

    async def _publish(
        self, batch: EventBatch, by_partition: Mapping[TopicPartition, Sequence[SequencedEvent]]
    ) -> EventBatch:
        """Publish a batch; return the next one, which the database prepares meanwhile."""
        next_batch = asyncio.create_task(self._next_batch())
        await asyncio.sleep(0)  # sends its query before the records of this batch are encoded
        sent: asyncio.Future[dict[TopicPartition, int]] | None = None
        try:
            with self._spans(by_partition):
                sent = await self._producer.send(by_partition)
                await asyncio.wait((next_batch,))
                while not (await asyncio.wait((sent,), timeout=_CHECK_INTERVAL_S))[0]:
                    await self._check()
                await self._progress.acknowledge(by_partition, sent.result(), batch.up_to)
            await self._progress.save(self._connection, self._epoch, by_partition)
        finally:
            if sent is not None:
                sent.cancel()
            await asyncio.wait((next_batch,))
        self._report_published(batch, by_partition)
        return next_batch.result()

    def _spans(
        self, by_partition: Mapping[TopicPartition, Sequence[SequencedEvent]]
    ) -> contextlib.AbstractContextManager[object]:
        """Open a span in the trace of each event of a batch."""
        if spans.SpanRecording.tracer is None:
            return spans.NO_SPAN
        parents = [event.traceparent for events in by_partition.values() for event in events]
        attributes = spans.messaging_attributes("send", self._topic, len(parents))
        return spans.batch_spans(f"send {self._topic}", SpanKind.PRODUCER, parents, attributes)

    def _report_published(
        self, batch: EventBatch, by_partition: Mapping[TopicPartition, Sequence[SequencedEvent]]
    ) -> None:
        published = [
            event for partition, events in by_partition.items() if partition.topic == self._topic for event in events
        ]
        metrics.EVENTS_PUBLISHED.inc(len(published))
        traces = tracing.trace_ids(event.traceparent for event in published)
        _log.info("published", events=len(published), up_to=batch.up_to, traces=traces)

    async def _check(self) -> None:
        """Renew the lease and verify the cluster, once a second."""
        if time.monotonic() - self._checked_at < _CHECK_INTERVAL_S:
            return
        await lease.renew(self._connection, self._epoch)
        verification = asyncio.wait_for(self._progress.verify_cluster(), _CHECK_TIMEOUT_S)
        await lease.renew_while(self._connection, self._epoch, verification)
        self._checked_at = time.monotonic()

    async def _wait_for_events(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._notified.wait(), _POLL_INTERVAL_S)
