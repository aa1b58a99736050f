"""The assumptions of ``events.compat`` about aiokafka, one test each. A failure names the line of compat to change."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IllegalArgumentError, KafkaConnectionError, ProducerClosed
from aiokafka.protocol.metadata import MetadataRequest_v1, MetadataResponse_v2

from services.chassis.events import compat

NO_BROKER = "127.0.0.1:1"
PARTITION = TopicPartition("t", 0)


@pytest.fixture
async def admin() -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=NO_BROKER)
    yield client
    await client.close()


@pytest.fixture
async def producer() -> AsyncIterator[AIOKafkaProducer]:
    """A producer whose sender is not started."""
    client = AIOKafkaProducer(bootstrap_servers=NO_BROKER)
    yield client
    await client.stop()


async def test_the_admin_client_requests_the_metadata_of_given_topics(
    admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[Any] = []

    async def respond(request: object, node_id: int | None = None) -> MetadataResponse_v2:
        requests.append(request)
        topics: list[tuple[int, str, bool, list[object]]] = [(0, "present", False, []), (3, "missing", False, [])]
        return MetadataResponse_v2(brokers=[], cluster_id="c", controller_id=0, topics=topics)

    monkeypatch.setattr(admin, "_send_request", respond)
    assert await compat.describe_cluster(admin, ("present", "missing")) == ("c", ["missing"]), (
        "compat.describe_cluster: _get_cluster_metadata or the fields of its response have changed"
    )
    assert [request.build(MetadataRequest_v1).to_object() for request in requests] == [
        {"topics": ["present", "missing"]}
    ], "compat.describe_cluster: _get_cluster_metadata does not request exactly the given topics"


async def test_the_admin_client_raises_attribute_error_while_no_broker_is_known(
    admin: AIOKafkaAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find_no_controller() -> None: ...

    monkeypatch.setattr(admin._client, "force_metadata_update", find_no_controller)
    with pytest.raises(KafkaConnectionError) as raised:
        await compat.admin_response(admin.create_topics([compat.new_topic("t", 1, {})]))
    assert isinstance(raised.value.__cause__, AttributeError), (
        "compat.admin_response: the admin client raises an error of its own now, so this is not needed"
    )


def test_only_a_new_topic_that_is_built_already_takes_the_clusters_replication_factor() -> None:
    with pytest.raises(IllegalArgumentError):
        NewTopic(name="t", num_partitions=6, replication_factor=-1)
        pytest.fail("compat.new_topic: the constructor takes -1 now, so this is not needed")
    request = AIOKafkaAdminClient._convert_new_topic_request(compat.new_topic("t", 6, {"retention.ms": "1"}))
    assert request == ("t", 6, -1, [], [("retention.ms", "1")]), (
        "compat.new_topic: the request does not take its replication factor from the attribute"
    )


async def test_a_producers_sender_ends_at_the_second_cancellation(
    producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = producer._sender
    assert sender.sender_task is None, "compat.abort_producer: a producer without start has no sender_task"
    batches = iter([{0: {PARTITION: None}}])
    monkeypatch.setattr(producer._message_accumulator, "drain_by_nodes", lambda **_: (next(batches, {}), False))
    monkeypatch.setattr(sender, "_send_produce_req", lambda node, batches: asyncio.sleep(60))
    sender._sender_task = task = asyncio.create_task(sender._sender_routine())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait((task,), timeout=0.05)
    assert not task.done(), "compat.abort_producer: one cancellation is enough now"
    await asyncio.wait_for(compat.abort_producer(producer), 60)
    assert task.done(), "compat.abort_producer: cancelling does not end the sender"


async def test_an_aborted_producer_fails_its_unsent_batches(producer: AIOKafkaProducer) -> None:
    accumulator = producer._message_accumulator
    future = await accumulator.add_message(PARTITION, None, b"", 5)
    flush = asyncio.create_task(accumulator.close())
    await asyncio.wait((flush,), timeout=0.05)
    assert not flush.done(), "compat.abort_producer: stop no longer waits for unsent batches, so fail_all is not needed"
    await compat.abort_producer(producer)
    assert isinstance(future.exception(), ProducerClosed), "compat.abort_producer: fail_all does not fail a batch"
    await asyncio.wait_for(flush, 60)
