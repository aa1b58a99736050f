"""How the partitions of topics are dealt out to the workers of a service."""

from aiokafka.cluster import ClusterMetadata

from services.chassis.assignor import EveryPartition
from services.chassis.outbox import PARTITIONS

TOPICS = ["kierto.alpha.events.v1", "kierto.beta.events.v1"]
KNOWS_NOTHING = ClusterMetadata()
EVERYTHING = [(topic, number) for topic in TOPICS for number in range(PARTITIONS)]


def dealt(*members: str) -> dict[str, list[tuple[str, int]]]:
    joined = {member: EveryPartition.metadata(TOPICS) for member in members}
    return {
        member: [(topic, number) for topic, numbers in assignment.assignment for number in numbers]
        for member, assignment in EveryPartition.assign(KNOWS_NOTHING, joined).items()
    }


def test_one_worker_reads_everything_also_while_the_broker_lists_no_topic() -> None:
    assert dealt("a") == {"a": EVERYTHING}


def test_two_workers_read_half_each() -> None:
    parts = dealt("a", "b")
    assert sorted(parts["a"] + parts["b"]) == EVERYTHING
    assert len(parts["a"]) == len(parts["b"]) == PARTITIONS
