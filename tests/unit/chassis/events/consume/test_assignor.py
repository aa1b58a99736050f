"""The assignment of partitions to the workers of a service."""

from aiokafka.cluster import ClusterMetadata

from services.chassis.events.consume.assignor import FixedPartitionAssignor
from services.chassis.events.outbox import PARTITIONS

TOPICS = ["kierto.alpha.events.v1", "kierto.beta.events.v1"]
EMPTY_METADATA = ClusterMetadata()
ALL_PARTITIONS = [(topic, number) for topic in TOPICS for number in range(PARTITIONS)]


def assignments(*members: str) -> dict[str, list[tuple[str, int]]]:
    joined = {member: FixedPartitionAssignor.metadata(TOPICS) for member in members}
    return {
        member: [(topic, number) for topic, numbers in assignment.assignment for number in numbers]
        for member, assignment in FixedPartitionAssignor.assign(EMPTY_METADATA, joined).items()
    }


def test_one_worker_reads_all_partitions_while_the_broker_lists_no_topic() -> None:
    assert assignments("a") == {"a": ALL_PARTITIONS}


def test_two_workers_read_half_each() -> None:
    assigned = assignments("a", "b")
    assert sorted(assigned["a"] + assigned["b"]) == ALL_PARTITIONS
    assert len(assigned["a"]) == len(assigned["b"]) == PARTITIONS
