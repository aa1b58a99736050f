"""What a reader of a topic holds in memory: the ids of what it read last."""

from services.chassis.events.consume.broadcast import MAX_VERIFIED_RECORDS, _PartitionProgress


def test_a_long_topic_leaves_only_its_last_ids() -> None:
    place = _PartitionProgress(0)
    for offset in range(20 * MAX_VERIFIED_RECORDS):
        place.remember(offset, str(offset))
        assert len(place.recent_ids) <= MAX_VERIFIED_RECORDS * 1.1
    assert place.next_offset == 20 * MAX_VERIFIED_RECORDS
    assert place.rewind() >= 18 * MAX_VERIFIED_RECORDS
    assert place.event_id_at(20 * MAX_VERIFIED_RECORDS - 1) == str(20 * MAX_VERIFIED_RECORDS - 1)
