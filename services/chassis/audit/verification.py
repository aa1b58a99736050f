"""The verification of the audit log: its rows and batches against the digests of the chain."""

from collections.abc import Mapping, Sequence

import msgspec

from services.chassis.audit import digests
from services.chassis.audit.chain import FIRST_POSITION
from services.chassis.db.postgres import DatabaseConnection, Row

_NEXT_BATCH = """
    SELECT number, positions, row_digests, digest FROM chassis.audit_batches WHERE number > $1 ORDER BY number LIMIT 1
"""
_ROWS = f"""
    SELECT {digests.COLUMNS}, salt, fields FROM chassis.audit LEFT JOIN chassis.audit_personal ON audit_id = id
    WHERE position > $1 AND position <= $2 ORDER BY position
"""
_UNCHAINED = "SELECT count(*) FROM chassis.audit WHERE position > $1"


class AuditVerification(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a verification."""

    fault: str | None = None
    """The first row or batch that differs from the chain, and how; None if there is none."""
    batches: int = 0
    """Batches that are as they were chained."""
    rows: int = 0
    """Rows of these batches."""
    digest: bytes = b""
    """The digest of the last of these batches."""
    unchained: int = 0
    """Rows that no batch has yet."""


async def verify(connection: DatabaseConnection) -> AuditVerification:
    """Verify the chain from its beginning up to the first fault. The log may grow meanwhile."""
    number, position, digest, row_count = 0, FIRST_POSITION, b"", 0
    while batch := await connection.fetchrow(_NEXT_BATCH, number):
        fault = _batch_fault(batch, number + 1, digest)
        if fault is None:
            rows = await connection.fetch(_ROWS, position, batch["positions"][-1])
            fault = _row_fault(rows, dict(zip(batch["positions"], batch["row_digests"], strict=True)))
        if fault is not None:
            return AuditVerification(fault=fault, batches=number, rows=row_count, digest=digest)
        number, position, digest = batch["number"], batch["positions"][-1], batch["digest"]
        row_count += len(batch["positions"])
    unchained: int = await connection.fetchval(_UNCHAINED, position)
    return AuditVerification(batches=number, rows=row_count, digest=digest, unchained=unchained)


def _batch_fault(batch: Row, number: int, previous: bytes) -> str | None:
    if batch["number"] != number:
        return f"batch {number} is missing"
    positions, row_digests = batch["positions"], batch["row_digests"]
    computed = digests.batch_digest(number, positions, row_digests, previous)
    if computed != batch["digest"] or not positions or len(positions) != len(row_digests):
        return f"batch {number} was changed, or does not follow the batch before it"
    return None


def _row_fault(rows: Sequence[Row], chained: Mapping[int, bytes]) -> str | None:
    """Return the first difference of rows from the chained digests, by their positions."""
    present = {row["position"]: row for row in rows}
    for position in sorted(present.keys() | chained.keys()):
        row = present.get(position)
        if row is None:
            return f"row {position} was deleted"
        if position not in chained:
            return f"row {position} ({row['id']}) was inserted"
        if digests.row_digest(row) != chained[position]:
            return f"row {position} ({row['id']}) was changed"
        if row["fields"] is not None and not _has_its_personal_fields(row):
            return f"the personal fields of row {position} ({row['id']}) were changed"
    return None


def _has_its_personal_fields(row: Row) -> bool:
    try:
        fields = msgspec.json.decode(row["fields"], type=dict[str, str])
    except msgspec.ValidationError:
        return False
    digest: bytes | None = row["personal_digest"]
    return digests.personal_digest(row["salt"], fields) == digest
