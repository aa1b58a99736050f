"""Assignment of partitions to the workers of a service."""

from collections.abc import Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from services.chassis.events.outbox import PARTITIONS


class _FixedClusterMetadata:
    """The partitions of every topic by contract, in place of those that the broker lists at the moment."""

    @staticmethod
    def partitions_for_topic(_topic: str) -> set[int]:
        return set(range(PARTITIONS))


class FixedPartitionAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Assigns all partitions of every topic, also of a topic that is missing at the moment.

    aiokafka's assignors leave out topics that the broker does not list, as a broker that restarts empty does for a
    moment. The omission would last: the broker returns its former assignment to a static member that rejoins, and
    aiokafka rejoins only when it sees the topics change.
    """

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        assignment: dict[str, ConsumerProtocolMemberAssignment] = super().assign(_FixedClusterMetadata, members)
        return assignment
