"""Tests of a process's view of its key ring: read again for sealing and for unknown keys, once a second at most."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.auth.sealed import key_ring_reader
from services.chassis.auth.sealed.key_ring import InvalidKeyRing, KeyRing, new_key_ring, read_key_ring
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)


class RingFile:
    """A ring's file, with the number of its reads, on a clock that the test moves."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.seconds = 1000.0
        self.reads = 0
        self.ring = self.write(new_key_ring(NOW))
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)
        monkeypatch.setattr(key_ring_reader, "read_key_ring", self._counted(read_key_ring))

    def write(self, ring: KeyRing) -> KeyRing:
        self.path.touch(0o600)
        self.path.write_text(ring.encode())
        self.ring = ring
        return ring

    def _counted(self, read: Callable[[Path], KeyRing]) -> Callable[[Path], KeyRing]:
        def counted(path: Path) -> KeyRing:
            self.reads += 1
            return read(path)

        return counted


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RingFile:
    return RingFile(tmp_path / "ring.json", monkeypatch)


def test_an_unknown_key_is_looked_for_in_the_file(file: RingFile) -> None:
    reader = KeyRingReader(file.path)
    new = file.write(file.ring.distribute(NOW)).distributed
    assert new is not None
    file.seconds += 1

    assert reader.find(new.id) == new
    assert file.reads == 2


def test_unknown_keys_are_one_read_a_second(file: RingFile) -> None:
    reader = KeyRingReader(file.path)
    file.seconds += 1

    for number in range(1000):
        assert reader.find(f"{number:016x}") is None
    assert file.reads == 2
    file.seconds += 0.5
    assert reader.find("00" * 8) is None
    assert file.reads == 2
    file.seconds += 0.5
    assert reader.find("00" * 8) is None
    assert file.reads == 3


def test_a_known_key_reads_nothing(file: RingFile) -> None:
    reader = KeyRingReader(file.path)
    file.seconds += 60

    assert reader.find(file.ring.in_use.id) == file.ring.in_use
    assert file.reads == 1


def test_a_process_that_only_seals_follows_the_ring(file: RingFile) -> None:
    reader = KeyRingReader(file.path)
    first = reader.key_in_use()
    file.write(file.ring.distribute(NOW).use_distributed(NOW))
    file.seconds += 0.9
    assert reader.key_in_use() == first
    file.seconds += 0.1

    assert reader.key_in_use() == file.ring.in_use != first


def test_a_ring_that_can_not_be_read_leaves_the_last_one(file: RingFile, capsys: pytest.CaptureFixture[str]) -> None:
    reader = KeyRingReader(file.path)
    file.path.write_text("{")
    file.seconds += 1

    assert reader.key_in_use() == file.ring.in_use
    assert "key ring not read" in capsys.readouterr().out
    file.write(file.ring.distribute(NOW).use_distributed(NOW))
    file.seconds += 1
    assert reader.key_in_use() == file.ring.in_use


def test_a_process_does_not_start_without_a_ring(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyRing):
        KeyRingReader(tmp_path / "ring.json")
