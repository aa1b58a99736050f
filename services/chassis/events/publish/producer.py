"""The way to the broker: an idempotent producer that is given one batch a partition at a time."""

import asyncio
import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed, UnknownTopicOrPartitionError

from services.chassis.events import envelope
from services.chassis.events.kafka import RETRY_BACKOFF_MS, Place, stop_client
from services.chassis.events.outbox import PARTITIONS
from services.chassis.events.publish.sequencer import SequencedEvent
from services.chassis.ids import write_id

_MAX_BATCH_SIZE = 1_000_000
"""Of one Kafka batch: more than a whole wave, less than the broker takes."""


class EventProducer:
    """Publishes the events of one service. After any error it is of no more use: a new one goes on from what is saved.

    Left to itself the producer would try again for ever what it could not send, and be doing so beside the next one.
    """

    def __init__(self, producer: AIOKafkaProducer, service: str, generation: uuid.UUID) -> None:
        self._producer = producer
        self._service = service
        self._generation = generation

    @classmethod
    async def open(cls, bootstrap: str, service: str, generation: uuid.UUID) -> "EventProducer":
        """A publisher with a producer id of its own. To be closed."""
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=_MAX_BATCH_SIZE,
            request_timeout_ms=5000,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )
        publisher = cls(producer, service, generation)
        try:
            await producer.start()
        except BaseException:
            await publisher.close()
            raise
        return publisher

    async def send(self, batches: Mapping[Place, Sequence[SequencedEvent]]) -> "asyncio.Future[dict[Place, int]]":
        """Send a batch to each of these partitions: the offsets of their first records, once all are acknowledged."""
        sent = {place: await self._send(place, events) for place, events in batches.items()}
        offsets = asyncio.ensure_future(_first_offsets(sent))
        offsets.add_done_callback(_retrieve_exception)
        return offsets

    async def _send(self, place: Place, events: Sequence[SequencedEvent]) -> "asyncio.Future[object]":
        if len(await self._producer.partitions_for(place.topic)) < PARTITIONS:
            raise UnknownTopicOrPartitionError(place.topic)
        batch = self._producer.create_batch()
        for event in events:
            key = _organisation_key(event.organisation_id) if event.organisation_id else event.subject
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
            # Not when it happened: the operator's clock may stand elsewhere, and a record must expire with its row.
            written = int(event.written_at.timestamp() * 1000)
            fits = batch.append(timestamp=written, key=key.encode(), value=event.data, headers=headers)
            assert fits is not None, "a wave is smaller than a batch"
        acknowledgement: asyncio.Future[object] = await self._producer.send_batch(
            batch, place.topic, partition=place.partition
        )
        acknowledgement.add_done_callback(_retrieve_exception)
        return acknowledgement

    async def close(self) -> None:
        """Stop at once, whatever was not acknowledged yet."""
        task = self._producer._sender.sender_task
        while task is not None and not task.done():
            # Once ends its waiting for work, once more what it waits for at the end.
            task.cancel()
            await asyncio.wait((task,), timeout=0.01)
        self._producer._message_accumulator.fail_all(ProducerClosed())
        await stop_client(self._producer)


@functools.lru_cache(maxsize=10_000)
def _organisation_key(organisation_id: uuid.UUID) -> str:
    return write_id("org", organisation_id)


def _retrieve_exception(future: "asyncio.Future[Any]") -> None:
    """Who waits for it hears of its failure. Where something else failed before, nobody does, and that is no fault."""
    if not future.cancelled():
        future.exception()


async def _first_offsets(sent: "Mapping[Place, asyncio.Future[object]]") -> dict[Place, int]:
    offsets: dict[Place, int] = {}
    for place, acknowledged in zip(sent, await asyncio.gather(*sent.values()), strict=True):
        offsets[place] = int(getattr(acknowledged, "offset", -1))
        if offsets[place] < 0:
            raise KafkaError("the broker knows the batch but not where it stands")
    return offsets
