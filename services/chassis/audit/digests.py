"""Digests of the audit log: SHA-256 over JSON arrays, in which no two different rows have the same bytes.

They are stored, so the bytes of a row must never change: a new column needs a new kind of digest.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from services.chassis.db.postgres import Row

COLUMNS = "position, id, at, actor, acting_for, action, subject, organisation_id, outcome, personal_digest"
"""The columns of ``chassis.audit`` that a row's digest covers: all of them."""


def row_digest(row: Row) -> bytes:
    """Return the digest of a row of ``chassis.audit`` with ``COLUMNS``."""
    organisation_id, personal = row["organisation_id"], row["personal_digest"]
    return _digest(
        [
            row["position"],
            str(row["id"]),
            row["at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
            row["actor"],
            row["acting_for"],
            row["action"],
            row["subject"],
            None if organisation_id is None else str(organisation_id),
            row["outcome"],
            None if personal is None else personal.hex(),
        ]
    )


def personal_digest(salt: bytes, fields: Mapping[str, str]) -> bytes:
    """Return the digest of an entry's personal fields."""
    return _digest([salt.hex(), sorted(fields.items())])


def batch_digest(number: int, positions: Sequence[int], row_digests: Sequence[bytes], previous: bytes) -> bytes:
    """Return the digest of a batch, which covers that of the batch before it; that is empty for the first one."""
    return _digest([number, previous.hex(), positions, [digest.hex() for digest in row_digests]])


def _digest(values: Sequence[object]) -> bytes:
    return hashlib.sha256(msgspec.json.encode(values)).digest()
