"""Verification of consumed offsets: reads single records again to detect a recreated or truncated partition."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.events.envelope import RawRecord, unreadable_record
from services.chassis.events.kafka import stop_client, to_raw_record

_REQUEST_TIMEOUT_MS = 5000


class LastConsumed(msgspec.Struct, frozen=True):
    """The last record of a partition that was consumed."""

    offset: int
    """Below zero if none was."""
    event_id: str


class OffsetVerifier:
    """Reads records with a consumer apart, outside the group."""

    def __init__(self, reader: AIOKafkaConsumer) -> None:
        self._reader = reader

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, bootstrap: str) -> AsyncIterator["OffsetVerifier"]:
        """Connect for the length of a block."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            max_partition_fetch_bytes=65536,  # enough for one record; a larger one is fetched all the same
        )
        try:
            await reader.start()
            yield cls(reader)
        finally:
            await stop_client(reader)

    async def changed_partitions(self, last_consumed: Mapping[TopicPartition, LastConsumed]) -> set[TopicPartition]:
        """Return the partitions that no longer have these records at their offsets.

        A record that has expired proves nothing: its partition counts as unchanged.
        """
        consumed = {partition: last for partition, last in last_consumed.items() if last.offset >= 0}
        if not consumed:
            return set()
        starts = await self._reader.beginning_offsets(list(consumed))
        ends = await self._reader.end_offsets(list(consumed))
        truncated = {partition for partition, last in consumed.items() if last.offset >= ends[partition]}
        retained = {
            partition: last
            for partition, last in consumed.items()
            if partition not in truncated and last.offset >= starts[partition]
        }
        records = await self._records_at_or_after({partition: last.offset for partition, last in retained.items()})
        return truncated | {
            partition
            for partition, last in retained.items()
            if (records[partition].offset, records[partition].event_id) != (last.offset, last.event_id)
        }

    async def _records_at_or_after(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, RawRecord]:
        """Read the record at each offset, or the next one of its partition. Raises TimeoutError if there is none."""
        records: dict[TopicPartition, RawRecord] = {}
        self._reader.assign(list(offsets))
        for partition, offset in offsets.items():
            self._reader.seek(partition, offset)
        async with asyncio.timeout(_REQUEST_TIMEOUT_MS / 1000):
            while missing := offsets.keys() - records.keys():
                for partition in missing:
                    record = await self._read_next(partition, offsets[partition])
                    if record is not None:
                        records[partition] = record
                        # Drops the partition's further records: aiokafka fetches nothing while any are pending.
                        self._reader.pause(partition)
                        self._reader.seek(partition, offsets[partition])
        return records

    async def _read_next(self, partition: TopicPartition, offset: int) -> RawRecord | None:
        try:
            polled = await self._reader.getmany(partition, timeout_ms=100, max_records=1)
        except UnicodeDecodeError:
            return unreadable_record(partition.topic, partition.partition, offset)
        for m in polled.get(partition, []):
            return to_raw_record(m)
        return None
