"""How the partitions of topics are dealt out to the workers of a service."""

from aiokafka.cluster import ClusterMetadata

from services.chassis.events.consume.assignor import FixedPartitionAssignor
from services.chassis.events.outbox import PARTITIONS

TOPICS = ["kierto.alpha.events.v1", "kierto.beta.events.v1"]
EMPTY_METADATA = ClusterMetadata()
EVERYTHING = [(topic, number) for topic in TOPICS for number in range(PARTITIONS)]


def assignments(*members: str) -> dict[str, list[tuple[str, int]]]:
    joined = {member: FixedPartitionAssignor.metadata(TOPICS) for member in members}
    return {
        member: [(topic, number) for topic, numbers in assignment.assignment for number in numbers]
        for member, assignment in FixedPartitionAssignor.assign(EMPTY_METADATA, joined).items()
    }


def test_one_worker_reads_everything_also_while_the_broker_lists_no_topic() -> None:
    assert assignments("a") == {"a": EVERYTHING}


def test_two_workers_read_half_each() -> None:
    parts = assignments("a", "b")
    assert sorted(parts["a"] + parts["b"]) == EVERYTHING
    assert len(parts["a"]) == len(parts["b"]) == PARTITIONS
