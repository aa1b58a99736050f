"""Consumer offsets: the last consumed record of each partition, in the service's database, not in Kafka.

An offset advances only from where this worker left it: a worker that was suspended while another took over its
partitions finds a conflict and restarts.

A topic can be recreated while it is consumed (a broker that was emptied, replaced, restored or truncated). So a
consumed record is read again, at each assignment and every few seconds: if it is gone or another, the partition is read
from its beginning, and the inbox deduplicates. The periodic check reads the record of the last successful check, not
the last consumed one, which may already be of the new topic.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, Pool
from services.chassis.events.consume.offset_verification import LastConsumed, OffsetVerifier
from services.chassis.events.envelope import RawRecord
from services.chassis.events.kafka import TRANSIENT_BROKER_ERRORS
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_INSERT = """
    INSERT INTO chassis.positions (topic, partition) SELECT * FROM unnest($1::text[], $2::smallint[])
    ON CONFLICT DO NOTHING
"""
_SELECT = """
    SELECT topic, partition, "offset", event_id, checked_offset, checked_event_id
    FROM chassis.positions JOIN unnest($1::text[], $2::smallint[]) AS a (topic, partition) USING (topic, partition)
"""
_ADVANCE = """
    UPDATE chassis.positions p SET "offset" = n."offset", event_id = n.event_id
    FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])
         AS n (topic, partition, before_offset, before_id, "offset", event_id)
    WHERE p.topic = n.topic AND p.partition = n.partition AND p."offset" = n.before_offset AND p.event_id = n.before_id
"""
_UPDATE_CHECKED = """
    UPDATE chassis.positions p SET checked_offset = n."offset", checked_event_id = n.event_id
    FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::text[]) AS n (topic, partition, "offset", event_id)
    WHERE p.topic = n.topic AND p.partition = n.partition
"""
_RESET = """
    UPDATE chassis.positions SET "offset" = -1, event_id = '', checked_offset = -1, checked_event_id = ''
    WHERE topic = $1 AND partition = $2 AND "offset" = $3 AND event_id = $4
"""

_CHECK_INTERVAL_S = 2.0
_ASSIGNMENT_TIMEOUT_S = 6.0
"""An assignment must be started well within the session timeout: no heartbeat is sent meanwhile."""


NOTHING_CONSUMED = LastConsumed(-1, "")
"""The state of a partition of which nothing was consumed: it is read from offset 0.

If it begins later, ``auto_offset_reset`` moves to its beginning. ``seek_to_beginning`` would wait for the broker, one
partition after the other.
"""

LastConsumedByPartition = Mapping[TopicPartition, LastConsumed]


class OffsetConflict(Exception):
    """The database has another offset than this worker: another took over, or it was restored."""


async def advance_offsets(
    connection: DatabaseConnection, last_consumed: LastConsumedByPartition, records: Sequence[RawRecord]
) -> dict[TopicPartition, LastConsumed]:
    """Advance the offsets to these records in the current transaction; return the new ones.

    Raises OffsetConflict if ``last_consumed`` is not what the database has. Locks the rows: transactions of other
    workers with these partitions have ended after it.
    """
    last_records = {(record.topic, record.partition): record for record in records}
    advanced = {
        TopicPartition(*partition): LastConsumed(last_records[partition].offset, last_records[partition].event_id)
        for partition in sorted(last_records)
    }
    before = [last_consumed.get(partition, NOTHING_CONSUMED) for partition in advanced]
    tag = await connection.execute(
        _ADVANCE,
        *_topics_and_numbers(advanced),
        [last.offset for last in before],
        [last.event_id for last in before],
        [last.offset for last in advanced.values()],
        [last.event_id for last in advanced.values()],
    )
    if tag != f"UPDATE {len(advanced)}":
        raise OffsetConflict
    return advanced


class ConsumerOffsets(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts every assigned partition after its last consumed record, once that is verified."""

    def __init__(self, pool: Pool, consumer: AIOKafkaConsumer, verifier: OffsetVerifier) -> None:
        self._pool = pool
        self._consumer = consumer
        self._verifier = verifier
        self._checked: dict[TopicPartition, LastConsumed] = {}
        self._next_check_at = 0.0
        self.last_consumed: dict[TopicPartition, LastConsumed] = {}
        """The database's state of each assigned partition; the batch processor updates it.

        Each assignment replaces the dictionary, so that a batch from before can't advance the new offsets.
        """
        self.assignment_count = 0
        self.failure: BaseException | None = None
        """The error that kept partitions from being started: aiokafka only logs what a listener raises."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Do nothing: the next worker reads their offsets from the database."""

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        # Else the first records would come from the offset that was committed to Kafka.
        self._consumer.pause(*assigned)
        try:
            async with asyncio.timeout(_ASSIGNMENT_TIMEOUT_S):
                await self._start_partitions(list(assigned))
        except (*TRANSIENT_DATABASE_ERRORS, *TRANSIENT_BROKER_ERRORS, OffsetConflict) as error:
            self.failure = error
        else:
            self.assignment_count += 1
            self._consumer.resume(*assigned)

    def check_due(self) -> bool:
        """Return whether the next check is due."""
        return time.monotonic() > self._next_check_at

    async def check(self) -> None:
        """Verify that the topics are still those that were consumed. No batch may be in process."""
        self._next_check_at = time.monotonic() + _CHECK_INTERVAL_S
        verified = dict(self.last_consumed)
        for partition in await self._verifier.changed_partitions(self._checked):
            if partition in self.last_consumed:
                del verified[partition]
                await self._reset_partition(partition, self.last_consumed)
        updates = {partition: last for partition, last in verified.items() if self._checked.get(partition) != last}
        if updates:
            await self._pool.execute(
                _UPDATE_CHECKED,
                *_topics_and_numbers(updates),
                [last.offset for last in updates.values()],
                [last.event_id for last in updates.values()],
            )
            self._checked.update(updates)

    def offsets_to_commit(self) -> dict[TopicPartition, int]:
        """Return the next offset of each assigned partition, to commit to Kafka for its lag metrics."""
        assigned = self._consumer.assignment()
        return {
            partition: last.offset + 1
            for partition, last in self.last_consumed.items()
            if partition in assigned and last != NOTHING_CONSUMED
        }

    def lag(self) -> int:
        """Return how many known records of the assigned partitions are not handled yet."""
        ends = {partition: self._consumer.highwater(partition) for partition in self._consumer.assignment()}
        return sum(
            max(0, end - 1 - self.last_consumed.get(partition, NOTHING_CONSUMED).offset)
            for partition, end in ends.items()
            if end is not None
        )

    async def _start_partitions(self, assigned: Sequence[TopicPartition]) -> None:
        await self._pool.execute(_INSERT, *_topics_and_numbers(assigned))
        last_consumed, checked = {}, {}
        for row in await self._pool.fetch(_SELECT, *_topics_and_numbers(assigned)):
            partition = TopicPartition(row["topic"], row["partition"])
            last_consumed[partition] = LastConsumed(row["offset"], row["event_id"])
            checked[partition] = LastConsumed(row["checked_offset"], row["checked_event_id"])
        changed = await self._verifier.changed_partitions(checked)
        changed |= await self._verifier.changed_partitions(last_consumed)
        self.last_consumed, self._checked = last_consumed, checked
        for partition, last in list(last_consumed.items()):
            if partition in changed:
                await self._reset_partition(partition, last_consumed)
            else:
                self._consumer.seek(partition, last.offset + 1)

    async def _reset_partition(
        self, partition: TopicPartition, last_consumed: dict[TopicPartition, LastConsumed]
    ) -> None:
        """Read a partition from its beginning; the database is reset before any record is read."""
        last = last_consumed[partition]
        tag = await self._pool.execute(_RESET, *partition, last.offset, last.event_id)
        if tag != "UPDATE 1":
            raise OffsetConflict
        _log.warning(
            "topic was recreated: reading from its beginning", topic=partition.topic, partition=partition.partition
        )
        metrics.CONSUMER_PARTITION_RESETS.inc()
        last_consumed[partition] = self._checked[partition] = NOTHING_CONSUMED
        self._consumer.seek(partition, NOTHING_CONSUMED.offset + 1)


def _topics_and_numbers(partitions: Sequence[TopicPartition] | LastConsumedByPartition) -> tuple[list[str], list[int]]:
    return [partition.topic for partition in partitions], [partition.partition for partition in partitions]
