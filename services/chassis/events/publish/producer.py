"""The relay's idempotent producer: one batch at a time for each partition."""

import asyncio
import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.chassis.events import compat, envelope
from services.chassis.events.kafka import stop_client
from services.chassis.events.outbox import PARTITIONS, partition_key
from services.chassis.events.publish.cluster import RETRY_BACKOFF_MS
from services.chassis.events.publish.sequencer import SequencedEvent
from services.chassis.ids import write_id

_MAX_BATCH_SIZE = 1_000_000
"""The limit of a Kafka batch: above sequencer.BATCH_BYTES, below the broker's limit."""


class EventProducer:
    """Publishes the events of one service.

    After any error it is closed, and a new one continues from the checkpoint: left open, it would retry for ever beside
    the new one.
    """

    def __init__(self, client: AIOKafkaProducer, service: str, generation: uuid.UUID) -> None:
        self._client = client
        self._service = service
        self._generation = generation

    @classmethod
    async def open(cls, bootstrap: str, service: str, generation: uuid.UUID) -> "EventProducer":
        """Start a producer, which gets its own producer id. To be closed."""
        client = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=_MAX_BATCH_SIZE,
            request_timeout_ms=5000,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        producer = cls(client, service, generation)
        try:
            await client.start()
        except BaseException:
            await producer.close()
            raise
        return producer

    async def send(
        self, by_partition: Mapping[TopicPartition, Sequence[SequencedEvent]]
    ) -> "asyncio.Future[dict[TopicPartition, int]]":
        """Send a batch to each of these partitions.

        The future has the offsets of their first records once all are acknowledged.
        """
        sent = {partition: await self._send(partition, events) for partition, events in by_partition.items()}
        offsets = asyncio.ensure_future(_first_offsets(sent))
        offsets.add_done_callback(_retrieve_exception)
        return offsets

    async def _send(self, partition: TopicPartition, events: Sequence[SequencedEvent]) -> "asyncio.Future[object]":
        if len(await self._client.partitions_for(partition.topic)) < PARTITIONS:
            raise UnknownTopicOrPartitionError(partition.topic)
        batch = self._client.create_batch()
        for event in events:
            organisation = _organisation_key(event.organisation_id) if event.organisation_id else None
            key = partition_key(event.type, organisation, event.subject)
            headers = envelope.event_headers(
                event.event_id,
                event.type,
                self._service,
                event.subject,
                event.occurred_at,
                event.sequence,
                event.traceparent,
                key,
                self._generation,
            )
            # Not the time of the event: the operator's clock may differ, and a record must expire with its outbox row.
            timestamp = int(event.written_at.timestamp() * 1000)
            fits = batch.append(timestamp=timestamp, key=key.encode(), value=event.data, headers=headers)
            assert fits is not None, "an event batch is smaller than a Kafka batch"
        acknowledgement: asyncio.Future[object] = await self._client.send_batch(
            batch, partition.topic, partition=partition.partition
        )
        acknowledgement.add_done_callback(_retrieve_exception)
        return acknowledgement

    async def close(self) -> None:
        """Stop at once; what is not acknowledged fails."""
        await compat.abort_producer(self._client)
        await stop_client(self._client)


@functools.lru_cache(maxsize=10_000)
def _organisation_key(organisation_id: uuid.UUID) -> str:
    return write_id("org", organisation_id)


def _retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """Keep asyncio from logging a failure that is not awaited because another came first."""
    if not future.cancelled():
        future.exception()


async def _first_offsets(sent: "Mapping[TopicPartition, asyncio.Future[object]]") -> dict[TopicPartition, int]:
    offsets: dict[TopicPartition, int] = {}
    for partition, acknowledgement in zip(sent, await asyncio.gather(*sent.values()), strict=True):
        offsets[partition] = int(getattr(acknowledgement, "offset", -1))
        if offsets[partition] < 0:
            raise KafkaError("the broker acknowledged a duplicate batch without its offset")
    return offsets
