"""Internals and undocumented behaviour of aiokafka on which the events depend, each with its reason.

All were seen in aiokafka 0.14.0. ``tests/unit/chassis/events/test_compat.py`` has a test for each.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, ProducerClosed

A = TypeVar("A")


async def describe_cluster(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> tuple[str, list[str]]:
    """Return the cluster's id and which of these topics are missing."""
    # 0.14.0: the public describe_cluster requests the metadata of every topic of the cluster.
    metadata = (await admin_response(admin._get_cluster_metadata(list(topics)))).to_object()
    return metadata["cluster_id"], [topic["topic"] for topic in metadata["topics"] if topic["error_code"]]


async def admin_response(request: Awaitable[A]) -> A:
    """Await a response of the admin client; KafkaConnectionError if it knows no broker yet."""
    try:
        return await request
    except AttributeError as error:
        # 0.14.0: the admin client reads the node of a controller that is None while the cluster has no broker.
        raise KafkaConnectionError("no broker is up yet") from error


def new_topic(name: str, partitions: int, configs: Mapping[str, str]) -> NewTopic:
    """Describe a topic with the cluster's default replication factor (1 embedded, 3 in production)."""
    topic = NewTopic(name=name, num_partitions=partitions, replication_factor=1, topic_configs=dict(configs))
    # 0.14.0: the constructor refuses the protocol's -1, the request takes it.
    topic.replication_factor = -1
    return topic


async def abort_producer(producer: AIOKafkaProducer) -> None:
    """End a producer's attempts to send; its unacknowledged batches fail."""
    # 0.14.0: stop() flushes first, and retries for as long as the broker is away.
    task = producer._sender.sender_task
    while task is not None and not task.done():
        # 0.14.0: a first cancellation ends the sender's wait for work, a second one its wait for requests in flight.
        task.cancel()
        await asyncio.wait((task,), timeout=0.01)
    producer._message_accumulator.fail_all(ProducerClosed())
