"""Tests of key rings: the states of a rotation, the file, and no secret in any text."""

import base64
import datetime as dt
import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from services.chassis.auth.sealed.key_ring import InvalidKeyRing, KeyRing, KeyState, new_key_ring, read_key_ring

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def states(ring: KeyRing) -> list[KeyState]:
    return [key.state for key in ring.keys]


def rotated() -> KeyRing:
    return new_key_ring(NOW).distribute(NOW + DAY).use_distributed(NOW + 2 * DAY)


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_new_ring_has_a_key_in_use() -> None:
    ring = new_key_ring(NOW)

    assert states(ring) == [KeyState.IN_USE]
    assert len(ring.in_use.secret) == 32


def test_a_key_is_distributed_used_and_retired() -> None:
    ring = new_key_ring(NOW)
    first = ring.in_use
    ring = ring.distribute(NOW + DAY)
    assert (states(ring), ring.in_use) == ([KeyState.IN_USE, KeyState.DISTRIBUTED], first)
    second = ring.distributed
    ring = ring.use_distributed(NOW + 2 * DAY)
    assert second is not None
    assert (states(ring), ring.in_use.id) == ([KeyState.RETIRING, KeyState.IN_USE], second.id)
    assert ring.in_use.since == ring.retiring[0].since == NOW + 2 * DAY
    assert ring.in_use.created == NOW + DAY
    assert ring.find(first.id) is not None


def test_each_step_is_done_once() -> None:
    distributed = new_key_ring(NOW).distribute(NOW)
    used = distributed.use_distributed(NOW)

    assert distributed.distribute(NOW) == distributed
    assert used.use_distributed(NOW) == used


def test_a_key_is_kept_while_a_row_has_it() -> None:
    ring = rotated()
    old = ring.retiring[0].id

    assert states(ring.retire(old, 1, NOW + 90 * DAY, 30 * DAY))[0] is KeyState.RETIRING


def test_a_key_is_kept_as_long_as_the_last_backup_with_it() -> None:
    ring = rotated()
    old = ring.retiring[0].id
    ring = ring.retire(old, 0, NOW + 5 * DAY, 30 * DAY)
    assert ring.retiring[0].unused_since == NOW + 5 * DAY

    assert ring.retire(old, 0, NOW + 35 * DAY, 30 * DAY) == ring
    retired = ring.retire(old, 0, NOW + 36 * DAY, 30 * DAY)
    assert states(retired) == [KeyState.RETIRED, KeyState.IN_USE]
    assert retired.keys[0].secret == b""
    assert retired.find(old) is None
    assert retired.retire(old, 0, NOW + 40 * DAY, 30 * DAY) == retired


def test_a_row_that_comes_back_starts_the_time_of_backups_again() -> None:
    ring = rotated()
    old = ring.retiring[0].id
    ring = ring.retire(old, 0, NOW + 5 * DAY, 30 * DAY).retire(old, 1, NOW + 20 * DAY, 30 * DAY)

    assert ring.retire(old, 0, NOW + 40 * DAY, 30 * DAY).retiring[0].unused_since == NOW + 40 * DAY


def test_only_a_retiring_key_is_retired() -> None:
    ring = rotated()

    assert ring.retire(ring.in_use.id, 0, NOW + 90 * DAY, DAY) == ring
    assert ring.retire("00" * 8, 0, NOW + 90 * DAY, DAY) == ring


def test_the_file_holds_the_whole_ring(tmp_path: Path) -> None:
    ring = rotated().distribute(NOW + 3 * DAY).retire(rotated().keys[0].id, 0, NOW, DAY)

    assert read_key_ring(written(tmp_path / "ring.json", ring.encode())) == ring


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "ring.json", new_key_ring(NOW).encode())
    path.chmod(0o644)

    with pytest.raises(InvalidKeyRing, match="open to every user"):
        read_key_ring(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidKeyRing, match=r"ring\.json: No such file"):
        read_key_ring(tmp_path / "ring.json")


SECRET = base64.b64encode(b"s" * 32).decode()
KEY = {"id": "0123456789abcdef", "created": "2026-03-04T08:00:00Z", "since": "2026-03-04T08:00:00Z", "secret": SECRET}
IN_USE = {**KEY, "state": "in use"}


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "not exactly one key is in use"),
        ([IN_USE, {**IN_USE, "id": "0123456789abcdee"}], "not exactly one key is in use"),
        ([IN_USE, {**KEY, "state": "retiring"}], "two keys have one id"),
        (
            [IN_USE, *({**KEY, "state": "distributed", "id": number * 8} for number in ("00", "11"))],
            "several keys are distributed",
        ),
        ([{**IN_USE, "secret": SECRET[:8]}], "does not have the length of its state"),
        ([{**IN_USE, "secret": SECRET[:-2]}], "Invalid base64"),
        ([{**IN_USE, "id": "0123456789ABCDEF"}], "16 hexadecimal digits"),
        ([{**IN_USE, "id": "01"}], "16 hexadecimal digits"),
        ([{**IN_USE, "since": "2026-03-04T08:00:00"}], "no offset"),
        ([IN_USE, {**KEY, "state": "retired", "id": "00" * 8}], "does not have the length of its state"),
    ],
)
def test_a_malformed_ring_is_refused_without_its_secrets(tmp_path: Path, keys: object, reason: str) -> None:
    path = written(tmp_path / "ring.json", msgspec.json.encode({"keys": keys}).decode())

    with pytest.raises(InvalidKeyRing, match=reason) as refused:
        read_key_ring(path)
    assert SECRET[:6] not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("text", ["", SECRET, "\udcff\udcfe", '{"keys": "%s"}' % SECRET])  # noqa: UP031 - JSON has braces
def test_a_file_that_is_no_ring_is_refused_without_its_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ring.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)

    with pytest.raises(InvalidKeyRing, match="is no key ring") as refused:
        read_key_ring(path)
    assert SECRET[:6] not in str(refused.value)


def test_no_secret_is_in_the_text_of_a_ring() -> None:
    ring = rotated()
    shown = io.StringIO()
    Console(file=shown, width=500).print(ring, ring.in_use)

    for text in (repr(ring), str(ring.in_use), f"{ring.in_use!r}", shown.getvalue()):
        assert ring.in_use.id in text
        assert "secret" not in text
        assert repr(ring.in_use.secret)[2:-1] not in text
