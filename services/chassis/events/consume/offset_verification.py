"""Reads single records again, beside a consumer, to tell whether a topic is still the one that was read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.chassis.events.envelope import RawRecord, unreadable_record
from services.chassis.events.kafka import stop_client, to_raw_record

_REQUEST_TIMEOUT_MS = 5000


class ConsumedRecord(Protocol):
    """A record that was read: where it stood, below zero for none, and its event's id."""

    @property
    def offset(self) -> int: ...

    @property
    def event_id(self) -> str: ...


class OffsetVerifier:
    """A reader of its own, without group."""

    def __init__(self, reader: AIOKafkaConsumer) -> None:
        self._reader = reader

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, bootstrap: str) -> AsyncIterator["OffsetVerifier"]:
        """Connect, and disconnect at the end of the block."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            request_timeout_ms=_REQUEST_TIMEOUT_MS,
            max_partition_fetch_bytes=65536,  # it is one record that is wanted; a larger one comes all the same
        )
        try:
            await reader.start()
            yield cls(reader)
        finally:
            await stop_client(reader)

    async def changed_partitions(self, seen: Mapping[TopicPartition, ConsumedRecord]) -> set[TopicPartition]:
        """The partitions that no longer have the record that was seen there.

        One that has become older than all that its partition keeps tells nothing, and is taken for there.
        """
        wanted = {partition: one for partition, one in seen.items() if one.offset >= 0}
        if not wanted:
            return set()
        starts = await self._reader.beginning_offsets(list(wanted))
        ends = await self._reader.end_offsets(list(wanted))
        shorter = {partition for partition, one in wanted.items() if one.offset >= ends[partition]}
        kept = {
            partition: one
            for partition, one in wanted.items()
            if partition not in shorter and one.offset >= starts[partition]
        }
        records = await self._records_at_or_after({partition: one.offset for partition, one in kept.items()})
        return shorter | {
            partition
            for partition, one in kept.items()
            if (records[partition].offset, records[partition].event_id) != (one.offset, one.event_id)
        }

    async def _records_at_or_after(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, RawRecord]:
        """The record at each place, or the next one that its partition has; TimeoutError if there is none."""
        found: dict[TopicPartition, RawRecord] = {}
        self._reader.assign(list(offsets))
        for partition, offset in offsets.items():
            self._reader.seek(partition, offset)
        async with asyncio.timeout(_REQUEST_TIMEOUT_MS / 1000):
            while missing := offsets.keys() - found.keys():
                for partition in missing:
                    record = await self._read_next(partition, offsets[partition])
                    if record is not None:
                        found[partition] = record
                        # What else came of it is let go: nothing more is fetched while anything waits to be taken.
                        self._reader.pause(partition)
                        self._reader.seek(partition, offsets[partition])
        return found

    async def _read_next(self, partition: TopicPartition, offset: int) -> RawRecord | None:
        try:
            polled = await self._reader.getmany(partition, timeout_ms=100, max_records=1)
        except UnicodeDecodeError:
            return unreadable_record(partition.topic, partition.partition, offset)
        for m in polled.get(partition, []):
            return to_raw_record(m)
        return None
