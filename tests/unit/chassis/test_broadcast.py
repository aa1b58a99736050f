"""What a reader of a topic holds in memory: the ids of what it read last."""

from services.chassis.broadcast import COMPARED, _Place


def test_a_long_topic_leaves_only_its_last_ids() -> None:
    place = _Place(0)
    for offset in range(20 * COMPARED):
        place.keep(offset, str(offset))
        assert len(place.since) <= COMPARED * 1.1
    assert place.following == 20 * COMPARED
    assert place.go_back() >= 18 * COMPARED
    assert place.known(20 * COMPARED - 1) == str(20 * COMPARED - 1)
