"""Topics, records and clients of Kafka that the relay and the consumers share."""

import asyncio
import contextlib
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from services.chassis.events import compat
from services.chassis.events.envelope import RawRecord, raw_record
from services.chassis.events.outbox import PARTITIONS

RETENTION_MS = 90 * 24 * 3600 * 1000

TRANSIENT_BROKER_ERRORS = (KafkaError, OSError, TimeoutError)
"""Errors of the broker or of the connection to it. They are retried and never make a dead letter."""

_TOPIC_CONFIGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(RETENTION_MS),
    # Retention is by age alone: a partition whose first records are gone earlier was truncated, and is republished.
    "retention.bytes": "-1",
    # Timestamps are the database's: a difference to the broker's clock is no reason to refuse a record.
    "message.timestamp.after.max.ms": str(2**63 - 1),
}


def to_raw_record(record: ConsumerRecord) -> RawRecord:
    """Convert a record of aiokafka."""
    return raw_record(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )


async def create_topics(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> None:
    """Create those topics that are missing, with Kierto's configuration: brokers' auto-creation is not used."""
    for topic in topics:
        new_topic = compat.new_topic(topic, PARTITIONS, _TOPIC_CONFIGS)
        with contextlib.suppress(TopicAlreadyExistsError):
            response = await compat.admin_response(admin.create_topics([new_topic]))
            for error in response.topic_errors:
                if error[1] not in (0, TopicAlreadyExistsError.errno):
                    raise KafkaError(f"topic {topic} can't be created: {error}")


async def ensure_topics(bootstrap: str, topics: Iterable[str]) -> None:
    """Create the topics that a consumer reads, in case it starts before their owner."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        await create_topics(admin, topics)
    finally:
        await admin.close()


async def stop_client(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Stop a client within five seconds; errors of its end are ignored.

    ``stop`` runs in a task of its own: with the broker away it can raise a cancellation, which would otherwise be taken
    for the caller's.
    """
    stopping = asyncio.ensure_future(client.stop())
    await asyncio.wait([stopping], timeout=5)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled():
        stopping.exception()
