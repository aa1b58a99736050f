"""The relay: numbers committed events and publishes them, in order, until the broker has acknowledged each.

One leader a service works in waves: number, publish, wait for every acknowledgement, save the position, go on. On any
error it begins anew from what was saved, so that a repeat carries the same id and the same sequence.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence

import asyncpg
from aiokafka import AIOKafkaProducer

from services.chassis import envelope, lease, metrics, numbering, outbox, tracing
from services.chassis.ids import write_id
from services.chassis.kafka import BROKER_AWAY, Cluster
from services.chassis.logging import logger
from services.chassis.numbering import Numbered
from services.chassis.pause import pause
from services.chassis.postgres import NO_ONES_FAULT, open_connection
from services.chassis.published import ClusterChanged, Last, Progress
from services.contracts.declare import topic_of

_log = logger(__name__)

WAVE = 500
_LOOK_S = 0.1
_CHECK_S = 1.0


class Relay:
    """One process that leads or waits to lead. ``holder`` names it, the same after a restart."""

    def __init__(self, service: str, database_url: str, bootstrap: str, holder: str) -> None:
        self._service = service
        self._url = database_url
        self._bootstrap = bootstrap
        self._holder = holder
        self._woken = asyncio.Event()
        self.ready = False
        """Whether the database was reached: a relay that waits to lead is ready, too."""

    async def run(self, stop: asyncio.Event) -> None:
        """Lead or wait to lead, until ``stop`` is set; a wave on its way is finished."""
        while not stop.is_set():
            try:
                connection = await open_connection(self._url, name=f"{self._service} relay")
            except NO_ONES_FAULT as error:
                self.ready = False
                _log.warning("relay waits for the database", error=type(error).__name__)
                await pause(stop, 0.5)
                continue
            try:
                await connection.add_listener(outbox.CHANNEL, lambda *_: self._woken.set())
                self.ready = True
                await self._lead_or_wait(connection, stop)
            except lease.Deposed:
                _log.warning("relay deposed", holder=self._holder)
            except NO_ONES_FAULT as error:
                self.ready = False
                _log.warning("relay lost the database", error=type(error).__name__)
                await pause(stop, 0.2)
            finally:
                metrics.RELAY_LEADING.set(0)
                with contextlib.suppress(*NO_ONES_FAULT):
                    await connection.close(timeout=2)

    async def _lead_or_wait(self, connection: "asyncpg.Connection[asyncpg.Record]", stop: asyncio.Event) -> None:
        while not stop.is_set():
            epoch = await lease.take(connection, self._holder)
            if epoch is None:
                await pause(stop, 0.5)
                continue
            _log.info("relay leads", epoch=epoch, holder=self._holder)
            metrics.RELAY_LEADING.set(1)
            while not stop.is_set():
                try:
                    await self._publish_until(stop, connection, epoch)
                except ClusterChanged as changed:
                    _log.warning("relay fills the broker again", reason=str(changed))
                except BROKER_AWAY as error:
                    if isinstance(error, asyncpg.PostgresError):
                        raise
                    _log.warning("relay waits for the broker", error=str(error)[:200])
                    await lease.keep(connection, epoch)
                    await pause(stop, 0.2)
            await lease.give_back(connection, epoch)

    async def _publish_until(
        self, stop: asyncio.Event, connection: "asyncpg.Connection[asyncpg.Record]", epoch: int
    ) -> None:
        await lease.keep(connection, epoch)
        async with Cluster.look(self._bootstrap, topic_of(self._service)) as cluster:
            progress = await Progress.find(connection, cluster, epoch)
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                request_timeout_ms=5000,
            )
            await producer.start()
            try:
                await self._catch_up(connection, epoch, cluster, progress, producer, stop)
                checked = time.monotonic()
                while not stop.is_set():
                    wave = await self._number(connection, epoch)
                    if wave:
                        await self._publish(connection, epoch, cluster, progress, producer, wave)
                    if time.monotonic() - checked > _CHECK_S:
                        await lease.keep(connection, epoch)
                        await progress.compare(cluster)
                        checked = time.monotonic()
                    if len(wave) < WAVE:
                        await self._wait_for_more()
            finally:
                with contextlib.suppress(*BROKER_AWAY):
                    await asyncio.wait_for(producer.stop(), 5)

    async def _number(self, connection: "asyncpg.Connection[asyncpg.Record]", epoch: int) -> list[Numbered]:
        """The next wave. A relay that nobody has woken only looks: an idle one must not write ten times a second."""
        woken = self._woken.is_set()
        self._woken.clear()
        if not woken and not await numbering.waiting(connection):
            return []
        return await numbering.number(connection, epoch, WAVE)

    async def _catch_up(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        epoch: int,
        cluster: Cluster,
        progress: Progress,
        producer: AIOKafkaProducer,
        stop: asyncio.Event,
    ) -> None:
        """Publish what has a number already and this cluster does not hold."""
        after = progress.everywhere
        while not stop.is_set():
            wave = await numbering.from_log(connection, after, WAVE)
            if not wave:
                return
            await lease.keep(connection, epoch)
            missing = [event for event in wave if event.sequence > progress.sequences[event.partition]]
            after = wave[-1].sequence
            await self._publish(connection, epoch, cluster, progress, producer, missing, everywhere=after)

    async def _publish(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        epoch: int,
        cluster: Cluster,
        progress: Progress,
        producer: AIOKafkaProducer,
        wave: Sequence[Numbered],
        everywhere: int | None = None,
    ) -> None:
        metrics.EVENTS_UNPUBLISHED.set(len(wave))
        records = [(event, self._record(event, progress.generation)) for event in wave]
        sent = [(event, await producer.send(cluster.topic, **record)) for event, record in records]
        last: Last = {}
        for event, acknowledgement in sent:
            metadata = await acknowledgement
            last[event.partition] = (metadata.offset, event.event_id, event.sequence)
        progress.advance(last, everywhere if everywhere is not None else wave[-1].sequence)
        await progress.save(connection, epoch, last)
        if wave:
            traces = tracing.ids(event.traceparent for event in wave)
            _log.info("published", events=len(wave), up_to=wave[-1].sequence, traces=traces)
        metrics.EVENTS_PUBLISHED.inc(len(wave))
        metrics.EVENTS_UNPUBLISHED.set(0)

    def _record(self, event: Numbered, generation: uuid.UUID) -> dict[str, object]:
        key = write_id("org", event.organisation_id) if event.organisation_id else event.subject
        return {
            "key": key.encode(),
            "value": event.data,
            "partition": event.partition,
            "timestamp_ms": int(event.occurred_at.timestamp() * 1000),
            "headers": envelope.headers(
                event.event_id,
                event.type,
                self._service,
                event.subject,
                event.occurred_at,
                event.sequence,
                event.traceparent,
                key,
                generation,
            ),
        }

    async def _wait_for_more(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _LOOK_S)
