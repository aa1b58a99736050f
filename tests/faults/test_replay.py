"""Test of records that are produced again, shuffled, and twice: they have no effect, and no partner receives them."""

import random

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.chassis.events.outbox import PARTITIONS
from services.contracts.declare import topic_of
from tests.faults.trial import Trial

pytestmark = pytest.mark.timeout(600)


async def test_events_are_redelivered_shuffled_and_twice(trial: Trial) -> None:
    async with trial.under_load("the newest 5,000 events of orders and of sites produced again, shuffled, twice"):
        for service in ("orders", "sites"):
            await republish(trial.fault_stack.broker.address, topic_of(service))
        await trial.await_recovery()


async def republish(bootstrap: str, topic: str, limit: int = 5_000) -> None:
    """Produce a topic's newest records again, each twice, in any order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, max_poll_records=2000)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await consumer.start()
    await producer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        messages_read = []
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                # Malformed records of another fault have no attributes: each repeat would be quarantined.
                messages_read += [message for message in messages if message.headers]
        selection = sorted(messages_read, key=lambda message: message.timestamp)[-limit:] * 2
        random.shuffle(selection)
        for message in selection:
            await producer.send(
                topic, message.value, message.key, partition=message.partition, headers=list(message.headers)
            )
    finally:
        await producer.stop()
        await consumer.stop()
