"""The memory of a broadcast consumer: the ids of the last records of each partition."""

from services.chassis.events.consume.broadcast import MAX_VERIFIED_RECORDS, _PartitionProgress


def test_only_the_last_ids_of_a_long_topic_are_kept() -> None:
    progress = _PartitionProgress(0)
    for offset in range(20 * MAX_VERIFIED_RECORDS):
        progress.remember(offset, str(offset))
        assert len(progress.recent_ids) <= MAX_VERIFIED_RECORDS * 1.1
    assert progress.next_offset == 20 * MAX_VERIFIED_RECORDS
    assert progress.rewind() >= 18 * MAX_VERIFIED_RECORDS
    assert progress.event_id_at(20 * MAX_VERIFIED_RECORDS - 1) == str(20 * MAX_VERIFIED_RECORDS - 1)
