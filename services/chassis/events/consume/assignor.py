"""Which worker of a service reads which partitions."""

from collections.abc import Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from services.chassis.events.outbox import PARTITIONS


class _FixedClusterMetadata:
    """What the contract says of every topic, in place of what the broker knows of it at the moment."""

    @staticmethod
    def partitions_for_topic(_topic: str) -> set[int]:
        return set(range(PARTITIONS))


class FixedPartitionAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Deals out all partitions of every topic, also of one that is not there just now.

    The library's own assignors leave out what the broker does not list, as one that comes back empty does for a moment.
    That would last: to a static member that comes back the broker gives the assignment from before, and the library
    asks for another only when the topics change while it looks.
    """

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        dealt: dict[str, ConsumerProtocolMemberAssignment] = super().assign(_FixedClusterMetadata, members)
        return dealt
