"""Sealed values: AES-256 in Galois/Counter Mode (NIST SP 800-38D), with the value's place as associated data.

A value is a version (1 byte), the key's id (8), a random nonce (12), the ciphertext and its tag (16). Version, key id
and place are authenticated: a value that is copied to another row, column or service does not unseal. With random
nonces a key may seal 2^32 values (section 8.3), more than any service writes between two rotations.
"""

import os
import uuid

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.chassis.auth.sealed.key_ring import KEY_ID_BYTES
from services.chassis.auth.sealed.key_ring_reader import KeyRingReader

VERSION = 1
KEY_ID_SLICE = slice(1, 1 + KEY_ID_BYTES)
"""The key's id in a value."""
_HEADER_BYTES = 1 + KEY_ID_BYTES
_NONCE_BYTES = 12
_TAG_BYTES = 16


class Place(msgspec.Struct, frozen=True):
    """The place of a sealed value in a service's database."""

    service: str
    table: str
    column: str
    row: str

    def __str__(self) -> str:
        return f"{self.service}.{self.table}.{self.column} of row {self.row}"

    def encode(self) -> bytes:
        """Return the place as bytes that no other place has: each part after its length (4 bytes)."""
        parts = [part.encode() for part in (self.service, self.table, self.column, self.row)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class SealedColumn(msgspec.Struct, frozen=True):
    """A column (``bytea``) of sealed values or NULL. A service declares each in its blueprint."""

    service: str
    table: str
    column: str
    row: str = "id"
    """The table's key, one column: it is part of every value's place, so it never changes."""

    def __str__(self) -> str:
        return f"{self.service}.{self.table}.{self.column}"

    def place(self, row: uuid.UUID | str | int) -> Place:
        """Return the place of a row's value."""
        return Place(self.service, self.table, self.column, str(row))


class UnknownKey(Exception):
    """The key ring has no key of this id: the value is newer than the ring, older than a retired key, or no value."""

    def __init__(self, place: Place, key_id: str) -> None:
        super().__init__(f"{place}: the key ring has no key {key_id}")
        self.place = place
        self.key_id = key_id


class NotAuthentic(Exception):
    """The value was changed, belongs to another place, or is no sealed value."""

    def __init__(self, place: Place) -> None:
        super().__init__(f"{place}: the sealed value is not authentic")
        self.place = place


def seal(ring: KeyRingReader, place: Place, plaintext: bytes) -> bytes:
    """Return the value that unseals to ``plaintext`` at this place alone."""
    key = ring.key_in_use()
    header = bytes([VERSION]) + key.id_bytes
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + AESGCM(key.secret).encrypt(nonce, plaintext, header + place.encode())


def unseal(ring: KeyRingReader, place: Place, value: bytes) -> bytes:
    """Return the plaintext of a value. Raises UnknownKey and NotAuthentic."""
    if len(value) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES or value[0] != VERSION:
        raise NotAuthentic(place)
    header, encrypted = value[:_HEADER_BYTES], value[_HEADER_BYTES:]
    key_id = header[KEY_ID_SLICE].hex()
    key = ring.find(key_id)
    if key is None:
        raise UnknownKey(place, key_id)
    try:
        return AESGCM(key.secret).decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], header + place.encode())
    except InvalidTag:
        raise NotAuthentic(place) from None
