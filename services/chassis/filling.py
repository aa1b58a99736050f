"""Filling: what the leader does with one cluster, wave after wave, until something is not as it should be.

A wave is numbered, published, acknowledged, and its position saved, then the next is published: that one is numbered
while the one before is on its way. On any error the leader begins a new filling from what was saved, so that a repeat
carries the same id and the same sequence.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence

from services.chassis import lease, metrics, numbering, tracing
from services.chassis.kafka import Place
from services.chassis.logging import logger
from services.chassis.numbering import Numbered, Wave
from services.chassis.postgres import Connection
from services.chassis.published import Progress
from services.chassis.publisher import Publisher

_log = logger(__name__)

_LOOK_S = 0.1
_CHECK_S = 1.0
_CHECK_TIMEOUT_S = 5.0


class Filling:
    """Publishes to ``topic`` every event, and to ``partners_topic``, if there is one, the public ones."""

    def __init__(
        self,
        connection: Connection,
        epoch: int,
        progress: Progress,
        publisher: Publisher,
        woken: asyncio.Event,
        topic: str,
        partners_topic: str | None,
    ) -> None:
        self._connection = connection
        self._epoch = epoch
        self._progress = progress
        self._publisher = publisher
        self._woken = woken
        self._topic = topic
        self._partners_topic = partners_topic
        self._numbered_before: int | None = progress.up_to
        self._checked = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Fill until ``stop`` is set; a wave on its way is finished. published.ClusterChanged, kafka.BROKER_AWAY and
        lease.Deposed end it."""
        wave = await self._next()
        while not stop.is_set():
            batches = self._batches(wave)
            if batches:
                wave = await self._publish(wave, batches)
            else:
                if wave.up_to > self._progress.up_to:
                    await self._progress.accept({}, {}, wave.up_to)
                    await self._progress.save(self._connection, self._epoch, ())
                if not wave.events:
                    await self._wait_for_more()
                wave = await self._next()
            await self._check()

    async def _next(self) -> Wave:
        """The next wave: first what has a number already, then what gets one.

        A relay that nobody has woken only looks: an idle one must not write ten times a second.
        """
        if self._numbered_before is not None:
            wave = await numbering.from_log(self._connection, self._numbered_before)
            self._numbered_before = wave.up_to if wave.events else None
            return wave
        woken = self._woken.is_set()
        self._woken.clear()
        if not woken and not await numbering.waiting(self._connection):
            return Wave((), self._progress.up_to)
        return await numbering.number(self._connection, self._epoch)

    def _batches(self, wave: Wave) -> dict[Place, list[Numbered]]:
        batches: dict[Place, list[Numbered]] = {}
        for event in wave.events:
            place = Place(self._topic, event.partition)
            if self._progress.lacks(place, event.sequence):
                batches.setdefault(place, []).append(event)
            if event.public and self._partners_topic is not None:
                place = Place(self._partners_topic, event.partition)
                if self._progress.lacks(place, event.sequence):
                    batches.setdefault(place, []).append(event)
        return batches

    async def _publish(self, wave: Wave, batches: Mapping[Place, Sequence[Numbered]]) -> Wave:
        """Publish a wave; the next one, which the database was at work on meanwhile."""
        following = asyncio.create_task(self._next())
        await asyncio.sleep(0)  # it has asked the database now, before the records of this wave are made
        sent: asyncio.Future[dict[Place, int]] | None = None
        try:
            sent = await self._publisher.send(batches)
            await asyncio.wait((following,))
            while not (await asyncio.wait((sent,), timeout=_CHECK_S))[0]:
                await self._check()
            await self._progress.accept(batches, sent.result(), wave.up_to)
            await self._progress.save(self._connection, self._epoch, batches)
        finally:
            if sent is not None:
                sent.cancel()
            await asyncio.wait((following,))
        self._tell(wave, batches)
        return following.result()

    def _tell(self, wave: Wave, batches: Mapping[Place, Sequence[Numbered]]) -> None:
        published = [event for place, events in batches.items() if place.topic == self._topic for event in events]
        metrics.EVENTS_PUBLISHED.inc(len(published))
        traces = tracing.ids(event.traceparent for event in published)
        _log.info("published", events=len(published), up_to=wave.up_to, traces=traces)

    async def _check(self) -> None:
        """Every second: still leading, and the cluster still as it was?"""
        if time.monotonic() - self._checked < _CHECK_S:
            return
        await lease.keep(self._connection, self._epoch)
        compared = asyncio.wait_for(self._progress.compare(), _CHECK_TIMEOUT_S)
        await lease.meanwhile(self._connection, self._epoch, compared)
        self._checked = time.monotonic()

    async def _wait_for_more(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _LOOK_S)
