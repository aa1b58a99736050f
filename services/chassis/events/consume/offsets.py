"""How far a service has read each partition: a row in its own database, which is what counts.

A position moves from where this worker left it, or not at all: a worker that slept while another took over its
partitions finds another position than its own and begins anew.

A topic can be made anew under a reader (a broker that was emptied, replaced, put back or cut short). So a record that
was read is read back, at each assignment and every few seconds between; where another stands in its place, or none,
the partition is read from its beginning, and the inbox knows what of it has happened already. It is not the last
record that is looked at in between, but the one at which the topic was last found to be the same: else those that
were read from the new topic in the meantime would speak for it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, Pool
from services.chassis.events.consume.offset_verification import OffsetVerifier
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
    FROM chassis.positions JOIN unnest($1::text[], $2::smallint[]) AS wanted (topic, partition) USING (topic, partition)
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
"""An assignment must be settled well within the session: no heartbeat is sent meanwhile."""


class LastConsumed(msgspec.Struct, frozen=True):
    """The last record of a partition that was read."""

    offset: int
    event_id: str


NOTHING_CONSUMED = LastConsumed(-1, "")
"""Nothing of the partition was read.

One that begins later than at offset 0 is read from where it begins: the library goes there by itself
(``auto_offset_reset``), while its ``seek_to_beginning`` waits for the broker, one partition after the other.
"""

LastConsumedByPartition = Mapping[TopicPartition, LastConsumed]


class OffsetConflict(Exception):
    """Another worker, or a restored database, has another position: what this one holds is not its to handle."""


async def advance_offsets(
    connection: DatabaseConnection, places: LastConsumedByPartition, batch: Sequence[RawRecord]
) -> dict[TopicPartition, LastConsumed]:
    """Have these records read, with the present transaction; the new places. Moved if ``places`` are not the present.

    Locks the positions: what another worker may still be doing with these partitions has ended after this.
    """
    last = {(record.topic, record.partition): record for record in batch}
    moved = {
        TopicPartition(*partition): LastConsumed(last[partition].offset, last[partition].event_id)
        for partition in sorted(last)
    }
    before = [places.get(partition, NOTHING_CONSUMED) for partition in moved]
    done = await connection.execute(
        _ADVANCE,
        *_topics_and_numbers(moved),
        [place.offset for place in before],
        [place.event_id for place in before],
        [place.offset for place in moved.values()],
        [place.event_id for place in moved.values()],
    )
    if done != f"UPDATE {len(moved)}":
        raise OffsetConflict
    return moved


class ConsumerOffsets(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts every assigned partition behind the saved record, once that was read back."""

    def __init__(self, pool: Pool, consumer: AIOKafkaConsumer, readback: OffsetVerifier) -> None:
        self._pool = pool
        self._consumer = consumer
        self._verifier = readback
        self._checked: dict[TopicPartition, LastConsumed] = {}
        self._next_check_at = 0.0
        self.last_consumed: dict[TopicPartition, LastConsumed] = {}
        """Of each assigned partition, what the database says; kept up to date by who moves it.

        Another one after each assignment, so that a batch from before it is not moved from a place that it never saw.
        """
        self.assignment_count = 0
        self.failure: BaseException | None = None
        """Why partitions could not be started: the library only logs what a listener raises."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Nothing to do: whoever is assigned them next finds in the database how far they were read."""

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        # Paused at once: else the first records come from the offset that was committed to Kafka.
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
        """Whether it is time to check."""
        return time.monotonic() > self._next_check_at

    async def check(self) -> None:
        """Look whether the topics are still those that were read. No batch of theirs may be in hand."""
        self._next_check_at = time.monotonic() + _CHECK_INTERVAL_S
        read = dict(self.last_consumed)
        for partition in await self._verifier.changed_partitions(self._checked):
            if partition in self.last_consumed:
                del read[partition]
                await self._reset_partition(partition, self.last_consumed)
        news = {partition: place for partition, place in read.items() if self._checked.get(partition) != place}
        if news:
            await self._pool.execute(
                _UPDATE_CHECKED,
                *_topics_and_numbers(news),
                [place.offset for place in news.values()],
                [place.event_id for place in news.values()],
            )
            self._checked.update(news)

    def offsets_to_commit(self) -> dict[TopicPartition, int]:
        """What Kafka may be told, for its lag figures: the next record of each assigned partition."""
        assigned = self._consumer.assignment()
        return {
            partition: place.offset + 1
            for partition, place in self.last_consumed.items()
            if partition in assigned and place != NOTHING_CONSUMED
        }

    def lag(self) -> int:
        """How many records of the assigned partitions were not handled yet, as far as is known."""
        ends = {partition: self._consumer.highwater(partition) for partition in self._consumer.assignment()}
        return sum(
            max(0, end - 1 - self.last_consumed.get(partition, NOTHING_CONSUMED).offset)
            for partition, end in ends.items()
            if end is not None
        )

    async def _start_partitions(self, assigned: Sequence[TopicPartition]) -> None:
        await self._pool.execute(_INSERT, *_topics_and_numbers(assigned))
        places, checked = {}, {}
        for row in await self._pool.fetch(_SELECT, *_topics_and_numbers(assigned)):
            partition = TopicPartition(row["topic"], row["partition"])
            places[partition] = LastConsumed(row["offset"], row["event_id"])
            checked[partition] = LastConsumed(row["checked_offset"], row["checked_event_id"])
        changed = await self._verifier.changed_partitions(checked) | await self._verifier.changed_partitions(places)
        self.last_consumed, self._checked = places, checked
        for partition, place in list(places.items()):
            if partition in changed:
                await self._reset_partition(partition, places)
            else:
                self._consumer.seek(partition, place.offset + 1)

    async def _reset_partition(self, partition: TopicPartition, places: dict[TopicPartition, LastConsumed]) -> None:
        """Read a partition from its beginning: before anything else is read, the database says so."""
        place = places[partition]
        done = await self._pool.execute(_RESET, *partition, place.offset, place.event_id)
        if done != "UPDATE 1":
            raise OffsetConflict
        _log.warning(
            "topic was made anew: read from its beginning", topic=partition.topic, partition=partition.partition
        )
        metrics.CONSUMER_PARTITION_RESETS.inc()
        places[partition] = self._checked[partition] = NOTHING_CONSUMED
        self._consumer.seek(partition, NOTHING_CONSUMED.offset + 1)


def _topics_and_numbers(partitions: Sequence[TopicPartition] | LastConsumedByPartition) -> tuple[list[str], list[int]]:
    return [partition.topic for partition in partitions], [partition.partition for partition in partitions]
