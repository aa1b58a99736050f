"""The relay: assigns sequences to a service's committed events and publishes them in order.

One of a service's relays leads. It compares the cluster with its checkpoint and publishes what the cluster lacks
(``loop``). After any error it compares again.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import asyncpg

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, open_connection
from services.chassis.events import event_log, outbox
from services.chassis.events.envelope import event_source
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS
from services.chassis.events.publish import lease
from services.chassis.events.publish.checkpoint import (
    ClusterChanged,
    ClusterSnapshot,
    PublishCheckpoint,
    PublishProgress,
)
from services.chassis.events.publish.cluster import Cluster
from services.chassis.events.publish.loop import PublishLoop
from services.chassis.events.publish.producer import EventProducer
from services.chassis.events.publish.restore_detection import begin_generation_if_restored
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.contracts.declare import partners_topic_of, topic_of

_log = logger(__name__)


class Relay:
    """A process that leads or waits to lead.

    ``holder`` is its name, the same after a restart. With ``partners``, public events are published to the partners'
    topic, too. ``versioned`` are the service's tables whose ``version`` its events carry.
    """

    def __init__(
        self,
        service: str,
        database_url: str,
        bootstrap: str,
        holder: str,
        clock: Clock,
        *,
        partners: bool = False,
        versioned: Sequence[str] = (),
    ) -> None:
        self._service = service
        self._database_url = database_url
        self._bootstrap = bootstrap
        self._holder = holder
        self._clock = clock
        self._topic = topic_of(service)
        self._partners_topic = partners_topic_of(service) if partners else None
        self._versioned = versioned
        self._notified = asyncio.Event()
        self.ready = False
        """True while the database is connected, also while another relay leads."""

    async def run(self, stop: asyncio.Event) -> None:
        """Lead or wait to lead until ``stop`` is set, and finish the batch in flight."""
        while not stop.is_set():
            try:
                connection = await open_connection(self._database_url, name=f"{self._service} relay")
            except TRANSIENT_DATABASE_ERRORS as error:
                self.ready = False
                _log.warning("relay retries: database unavailable", error=type(error).__name__)
                await pause(stop, 0.5)
                continue
            try:
                # The outbox's statistics are always stale: a plan for few rows would be slow on a backlog.
                await connection.execute("SET plan_cache_mode = force_custom_plan; SET enable_seqscan = off")
                await connection.add_listener(outbox.CHANNEL, lambda *_: self._notified.set())
                self.ready = True
                await self._lead_or_wait(connection, stop)
            except lease.LeadershipLost:
                _log.warning("relay lost leadership", holder=self._holder)
            except TRANSIENT_DATABASE_ERRORS as error:
                self.ready = False
                _log.warning("relay lost its database connection", error=type(error).__name__)
                await pause(stop, 0.2)
            finally:
                metrics.RELAY_LEADER.set(0)
                with contextlib.suppress(*TRANSIENT_DATABASE_ERRORS):
                    await connection.close(timeout=2)

    async def _lead_or_wait(self, connection: DatabaseConnection, stop: asyncio.Event) -> None:
        while not stop.is_set():
            epoch = await lease.acquire(connection, self._holder)
            if epoch is None:
                await pause(stop, 0.5)
                continue
            _log.info("relay became leader", epoch=epoch, holder=self._holder)
            metrics.RELAY_LEADER.set(1)
            while not stop.is_set():
                try:
                    await self._publish(connection, epoch, stop)
                except ClusterChanged as changed:
                    _log.warning("relay restarts publishing: cluster changed", reason=str(changed))
                except TRANSIENT_BROKER_ERRORS as error:
                    if isinstance(error, asyncpg.PostgresError):
                        raise
                    _log.warning(
                        "relay retries: broker unavailable", error=type(error).__name__, detail=str(error)[:200]
                    )
                    await lease.renew(connection, epoch)
                    await pause(stop, 0.2)
            await lease.release(connection, epoch)

    async def _publish(self, connection: DatabaseConnection, epoch: int, stop: asyncio.Event) -> None:
        await lease.renew(connection, epoch)
        topics = [self._topic] if self._partners_topic is None else [self._topic, self._partners_topic]
        async with contextlib.AsyncExitStack() as closing:
            cluster = await lease.renew_while(connection, epoch, Cluster.open(self._bootstrap, topics))
            closing.push_async_callback(cluster.close)
            checkpoint = await PublishCheckpoint.load(connection, cluster.id)
            snapshot = await lease.renew_while(
                connection, epoch, ClusterSnapshot.take(cluster, checkpoint, event_source(self._service))
            )
            await begin_generation_if_restored(
                connection, epoch, snapshot.highest_sequence, self._service, self._versioned, self._clock.now()
            )
            bounds = await event_log.read_bounds(connection)
            progress = await PublishProgress.begin(
                connection, epoch, cluster, checkpoint, snapshot, bounds.first_sequence, self._partners_topic
            )
            producer = await lease.renew_while(
                connection, epoch, EventProducer.open(self._bootstrap, self._service, bounds.generation)
            )
            closing.push_async_callback(producer.close)
            loop = PublishLoop(connection, epoch, progress, producer, self._notified, self._topic, self._partners_topic)
            await loop.run(stop)
