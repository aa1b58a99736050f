"""Filling: what the leader does with one cluster, wave after wave, until something is not as it should be.

A wave is numbered, published, acknowledged, and its position saved, then the next is published: that one is numbered
while the one before is on its way. On any error the leader begins a new filling from what was saved, so that a repeat
carries the same id and the same sequence.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.kafka import Place
from services.chassis.events.publish import lease, sequencer
from services.chassis.events.publish.checkpoint import PublishProgress
from services.chassis.events.publish.producer import EventProducer
from services.chassis.events.publish.sequencer import EventBatch, SequencedEvent
from services.chassis.telemetry import metrics, tracing
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_POLL_INTERVAL_S = 0.1
_CHECK_INTERVAL_S = 1.0
_CHECK_TIMEOUT_S = 5.0


class PublishLoop:
    """Publishes to ``topic`` every event, and to ``partners_topic``, if there is one, the public ones."""

    def __init__(
        self,
        connection: DatabaseConnection,
        epoch: int,
        progress: PublishProgress,
        publisher: EventProducer,
        woken: asyncio.Event,
        topic: str,
        partners_topic: str | None,
    ) -> None:
        self._connection = connection
        self._epoch = epoch
        self._progress = progress
        self._publisher = publisher
        self._notified = woken
        self._topic = topic
        self._partners_topic = partners_topic
        self._resume_after: int | None = progress.up_to
        self._checked_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Fill until ``stop`` is set; a wave on its way is finished. published.ClusterChanged, kafka.BROKER_AWAY and
        lease.Deposed end it."""
        wave = await self._next_batch()
        while not stop.is_set():
            batches = self._unpublished_by_partition(wave)
            if batches:
                wave = await self._publish(wave, batches)
            else:
                if wave.up_to > self._progress.up_to:
                    await self._progress.acknowledge({}, {}, wave.up_to)
                    await self._progress.save(self._connection, self._epoch, ())
                if not wave.events:
                    await self._wait_for_events()
                wave = await self._next_batch()
            await self._check()

    async def _next_batch(self) -> EventBatch:
        """The next wave: first what has a number already, then what gets one.

        A relay that nobody has woken only looks: an idle one must not write ten times a second.
        """
        if self._resume_after is not None:
            wave = await sequencer.read_sequenced(self._connection, self._resume_after)
            self._resume_after = wave.up_to if wave.events else None
            return wave
        woken = self._notified.is_set()
        self._notified.clear()
        if not woken and not await sequencer.any_unsequenced(self._connection):
            return EventBatch((), self._progress.up_to)
        return await sequencer.assign_sequences(self._connection, self._epoch)

    def _unpublished_by_partition(self, wave: EventBatch) -> dict[Place, list[SequencedEvent]]:
        batches: dict[Place, list[SequencedEvent]] = {}
        for event in wave.events:
            place = Place(self._topic, event.partition)
            if self._progress.lacks(place, event.sequence):
                batches.setdefault(place, []).append(event)
            if event.public and self._partners_topic is not None:
                place = Place(self._partners_topic, event.partition)
                if self._progress.lacks(place, event.sequence):
                    batches.setdefault(place, []).append(event)
        return batches

    async def _publish(self, wave: EventBatch, batches: Mapping[Place, Sequence[SequencedEvent]]) -> EventBatch:
        """Publish a wave; the next one, which the database was at work on meanwhile."""
        following = asyncio.create_task(self._next_batch())
        await asyncio.sleep(0)  # it has asked the database now, before the records of this wave are made
        sent: asyncio.Future[dict[Place, int]] | None = None
        try:
            sent = await self._publisher.send(batches)
            await asyncio.wait((following,))
            while not (await asyncio.wait((sent,), timeout=_CHECK_INTERVAL_S))[0]:
                await self._check()
            await self._progress.acknowledge(batches, sent.result(), wave.up_to)
            await self._progress.save(self._connection, self._epoch, batches)
        finally:
            if sent is not None:
                sent.cancel()
            await asyncio.wait((following,))
        self._report_published(wave, batches)
        return following.result()

    def _report_published(self, wave: EventBatch, batches: Mapping[Place, Sequence[SequencedEvent]]) -> None:
        published = [event for place, events in batches.items() if place.topic == self._topic for event in events]
        metrics.EVENTS_PUBLISHED.inc(len(published))
        traces = tracing.trace_ids(event.traceparent for event in published)
        _log.info("published", events=len(published), up_to=wave.up_to, traces=traces)

    async def _check(self) -> None:
        """Every second: still leading, and the cluster still as it was?"""
        if time.monotonic() - self._checked_at < _CHECK_INTERVAL_S:
            return
        await lease.renew(self._connection, self._epoch)
        compared = asyncio.wait_for(self._progress.verify_cluster(), _CHECK_TIMEOUT_S)
        await lease.renew_while(self._connection, self._epoch, compared)
        self._checked_at = time.monotonic()

    async def _wait_for_events(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._notified.wait(), _POLL_INTERVAL_S)
