"""How far a service has read each partition: a row in its own database, which is what counts."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from services.chassis.envelope import Raw
from services.chassis.kafka import BROKER_AWAY
from services.chassis.logging import logger
from services.chassis.postgres import NO_ONES_FAULT, Connection, Pool

_log = logger(__name__)

_POSITION = 'SELECT "offset", event_id FROM chassis.positions WHERE topic = $1 AND partition = $2'
_SAVE = """
    INSERT INTO chassis.positions (topic, partition, "offset", event_id)
    SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::text[])
    ON CONFLICT (topic, partition) DO UPDATE SET "offset" = excluded."offset", event_id = excluded.event_id
"""


async def save_positions(connection: Connection, batch: Sequence[Raw]) -> None:
    """Write down, in the present transaction, that these records were handled."""
    last = {(record.topic, record.partition): record for record in batch}
    await connection.execute(
        _SAVE,
        [topic for topic, _ in last],
        [partition for _, partition in last],
        [record.offset for record in last.values()],
        [record.event_id for record in last.values()],
    )


class Positions(ConsumerRebalanceListener):  # type: ignore[misc]
    """Starts every assigned partition at the saved record, and looks at that record again.

    If another record stands there, the topic was made anew and is read from its beginning; the inbox knows what of it
    has happened already. If the record is gone, Kafka itself falls back to the earliest.
    """

    def __init__(self, pool: Pool, consumer: AIOKafkaConsumer) -> None:
        self._pool = pool
        self._consumer = consumer
        self._expected: dict[TopicPartition, tuple[int, str]] = {}
        self.failure: BaseException | None = None
        """Why partitions could not be started: the library only logs what a listener raises."""

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        for partition in revoked:
            self._expected.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        # Paused at once: else the first records come from the offset that was committed to Kafka.
        self._consumer.pause(*assigned)
        try:
            rows = {
                partition: await self._pool.fetchrow(_POSITION, partition.topic, partition.partition)
                for partition in assigned
            }
            for partition, row in rows.items():
                if row is None:
                    await self._consumer.seek_to_beginning(partition)
                else:
                    self._expected[partition] = (row["offset"], row["event_id"])
                    self._consumer.seek(partition, row["offset"])
        except (*NO_ONES_FAULT, *BROKER_AWAY) as error:
            self.failure = error
        else:
            self._consumer.resume(*assigned)

    def checked(self, batch: Sequence[Raw]) -> list[Raw]:
        """The records that are new, after the first of each partition was compared with the saved one."""
        kept: list[Raw] = []
        restarted: set[TopicPartition] = set()
        for record in batch:
            partition = TopicPartition(record.topic, record.partition)
            if partition in restarted:
                continue
            expected = self._expected.pop(partition, None)
            if expected is None:
                kept.append(record)
            elif (record.offset, record.event_id) != expected:
                _log.warning(
                    "topic was made anew: read from its beginning", topic=record.topic, partition=record.partition
                )
                self._consumer.seek(partition, 0)
                restarted.add(partition)
        return kept
