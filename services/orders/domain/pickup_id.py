"""The ids of pickups: UUIDv8 (RFC 9562, section 5.8), so that a pickup is found by its id before it has a row.

The first 60 bits for an application hold the key of what the pickup is of: an agreement, or an order. The last 62 hold
which of the two it is, and a number of 32 bits, in two's complement: of an agreement the day of the rhythm, as days
since 1970-01-01; of an order the running number of the pickup. A pickup that is moved keeps its id.
"""

import datetime as dt
import hashlib
import uuid

import msgspec

_EPOCH = dt.date(1970, 1, 1).toordinal()
_VERSION_AND_VARIANT = 0x8000 << 64 | 0x8 << 60
_OF_ORDER = 1 << 61
_NUMBERS = 1 << 32
FIRST_PICKUP = 1
"""The running number of the first pickup of an order."""


class PickupIdParts(msgspec.Struct, frozen=True):
    """The parts of a pickup's id."""

    key: int
    """The key of the agreement or of the order."""
    planned_on: dt.date | None
    """The day of the agreement's rhythm; None for a pickup of an order."""
    number: int | None
    """The running number among the order's pickups; None for one of an agreement."""


def pickup_key(owner_id: uuid.UUID) -> int:
    """Return the key of an agreement or an order in the ids of its pickups: 60 bits of the SHA-256 of its id.

    No two agreements have the same key, and no two orders: the database refuses the second one. Its command has another
    id, and so another key, when it is repeated.
    """
    return int.from_bytes(hashlib.sha256(owner_id.bytes).digest()[:8]) >> 4


def regular_pickup_id(agreement_id: uuid.UUID, planned_on: dt.date) -> uuid.UUID:
    """Return the id of an agreement's pickup, by its day of the rhythm."""
    return _pickup_id(pickup_key(agreement_id), planned_on.toordinal() - _EPOCH)


def ordered_pickup_id(order_id: uuid.UUID, number: int = FIRST_PICKUP) -> uuid.UUID:
    """Return the id of an order's pickup, by its running number."""
    return _pickup_id(pickup_key(order_id), number, _OF_ORDER)


def read_pickup_id(pickup_id: uuid.UUID) -> PickupIdParts | None:
    """Return what the id of a pickup says; None for a UUID that is the id of no pickup."""
    whole = pickup_id.int
    key, number = whole >> 80 << 12 | whole >> 64 & 0xFFF, whole % _NUMBERS
    signed = number - _NUMBERS if number >= _NUMBERS >> 1 else number
    if whole == _pickup_id(key, signed, _OF_ORDER).int:
        return PickupIdParts(key, None, signed) if signed >= FIRST_PICKUP else None
    if whole != _pickup_id(key, signed).int or not 1 <= signed + _EPOCH <= dt.date.max.toordinal():
        return None
    return PickupIdParts(key, dt.date.fromordinal(signed + _EPOCH), None)


def _pickup_id(key: int, number: int, kind: int = 0) -> uuid.UUID:
    high, low = key >> 12 << 80, (key & 0xFFF) << 64
    return uuid.UUID(int=high | low | _VERSION_AND_VARIANT | kind | number % _NUMBERS)
