"""Tests of sealed values: their layout, their place, and errors without a secret."""

import datetime as dt
import os
import uuid
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.auth.sealed.key_ring import KeyRing, KeyState, SealingKey, new_key_ring
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader
from services.chassis.auth.sealed.sealed_value import NotAuthentic, Place, SealedColumn, UnknownKey, seal, unseal

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
COLUMN = SealedColumn("identity", "users", "totp_secret")
ROW = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")
PLACE = COLUMN.place(ROW)
PLAINTEXT = b"planted secret 4711"
KEY = SealingKey(id="0123456789abcdef", created=NOW, state=KeyState.IN_USE, since=NOW, secret=bytes(range(32)))
NONCE = bytes.fromhex("cafebabefacedbaddecaf888")
SEALED = bytes.fromhex(
    "01 0123456789abcdef cafebabefacedbaddecaf888"
    "facfc148de1f2b3b356e3eaf1e69a90b3a11f1 fe730e7098e70110229ad5b1efee75db"
)
"""Made with Node's crypto. Its associated data: the first nine bytes, and each part of the place after its length."""


def reader(path: Path, ring: KeyRing) -> KeyRingReader:
    path.touch(0o600)
    path.write_text(ring.encode())
    return KeyRingReader(path)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRingReader:
    return reader(tmp_path / "ring.json", KeyRing((KEY,)))


def test_layout(ring: KeyRingReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda size: NONCE[:size])

    value = seal(ring, PLACE, PLAINTEXT)

    assert value.hex(" ") == SEALED.hex(" ")
    assert unseal(ring, PLACE, SEALED) == PLAINTEXT


def test_each_value_has_a_nonce_of_its_own(ring: KeyRingReader) -> None:
    values = {seal(ring, PLACE, PLAINTEXT) for _ in range(100)}

    assert len({value[9:21] for value in values}) == 100


@pytest.mark.parametrize(
    "other",
    [
        COLUMN.place(uuid.UUID(int=ROW.int + 1)),
        SealedColumn("identity", "users", "other").place(ROW),
        SealedColumn("identity", "partners", "totp_secret").place(ROW),
        SealedColumn("orders", "users", "totp_secret").place(ROW),
    ],
    ids=str,
)
def test_a_value_of_another_place_is_refused(ring: KeyRingReader, other: Place) -> None:
    value = seal(ring, PLACE, PLAINTEXT)

    with pytest.raises(NotAuthentic) as refused:
        unseal(ring, other, value)
    assert refused.value.place == other


PARTS = st.lists(st.text(alphabet="ab\x00\x01.é", max_size=4), min_size=4, max_size=4)


@given(one=PARTS, other=PARTS)
def test_no_two_places_are_the_same_bytes(one: list[str], other: list[str]) -> None:
    assert (Place(*one).encode() == Place(*other).encode()) == (one == other)


def test_parts_of_a_place_do_not_flow_into_each_other() -> None:
    assert Place("a", "bc", "d", "e").encode() != Place("ab", "c", "d", "e").encode()


def test_every_changed_bit_is_found(ring: KeyRingReader) -> None:
    value = seal(ring, PLACE, PLAINTEXT)

    for position in range(len(value)):
        for bit in range(8):
            changed = bytearray(value)
            changed[position] ^= 1 << bit
            with pytest.raises((NotAuthentic, UnknownKey)):
                unseal(ring, PLACE, bytes(changed))


def test_a_truncated_value_is_refused(ring: KeyRingReader) -> None:
    value = seal(ring, PLACE, b"")
    assert unseal(ring, PLACE, value) == b""

    for length in range(len(value)):
        with pytest.raises(NotAuthentic):
            unseal(ring, PLACE, value[:length])


def test_the_key_of_a_value_is_authenticated(tmp_path: Path) -> None:
    """A second key with the same secret does not unseal the first one's value."""
    twin = msgspec.structs.replace(KEY, id="fedcba9876543210", state=KeyState.RETIRING)
    ring = reader(tmp_path / "ring.json", KeyRing((KEY, twin)))
    value = seal(ring, PLACE, PLAINTEXT)

    with pytest.raises(NotAuthentic):
        unseal(ring, PLACE, value[:1] + twin.id_bytes + value[9:])


def test_a_value_of_the_former_key_unseals(tmp_path: Path) -> None:
    old = new_key_ring(NOW)
    value = seal(reader(tmp_path / "old.json", old), PLACE, PLAINTEXT)
    new = old.distribute(NOW).use_distributed(NOW)

    assert unseal(reader(tmp_path / "new.json", new), PLACE, value) == PLAINTEXT


def test_errors_name_the_field_and_no_secret(ring: KeyRingReader, tmp_path: Path) -> None:
    other = reader(tmp_path / "other.json", new_key_ring(NOW))
    value = seal(ring, PLACE, PLAINTEXT)
    with pytest.raises(UnknownKey) as unknown:
        unseal(other, PLACE, value)
    with pytest.raises(NotAuthentic) as changed:
        unseal(ring, PLACE, value[:-1] + bytes([value[-1] ^ 1]))

    assert unknown.value.key_id == KEY.id
    assert str(unknown.value) == f"identity.users.totp_secret of row {ROW}: the key ring has no key {KEY.id}"
    assert str(changed.value) == f"identity.users.totp_secret of row {ROW}: the sealed value is not authentic"
    for error in (unknown.value, changed.value):
        assert "planted" not in repr(error) + repr(error.args)
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
