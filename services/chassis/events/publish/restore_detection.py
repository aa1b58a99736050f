"""Detection of a restored database: the broker has higher sequences than the database has assigned."""

import datetime as dt
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.publish import lease
from services.chassis.problems import NotReadyYet
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

RESTORE_VERSION_INCREMENT = 1_000_000
"""More than the versions that an entity can have lost with the restore: copies accept only higher versions."""

_MARK_CHECKED = (
    "UPDATE chassis.leader SET checked_epoch = epoch WHERE epoch = $1 AND last_sequence >= $2 RETURNING true"
)
_NEW_GENERATION = """
    UPDATE chassis.leader
    SET last_sequence = $2, generation = gen_random_uuid(), restored_at = $3, checked_epoch = epoch
    WHERE epoch = $1 RETURNING true
"""
_LAST_RESTORE = """
    SELECT checked_epoch = epoch AND until > clock_timestamp() AS checked, restored_at FROM chassis.leader
"""


async def find_last_restore(connection: DatabaseConnection) -> dt.datetime | None:
    """Return the time at which the last restore of the database was noticed; None if it was never restored.

    The lease that a backup has is over when the backup is restored. So a restored database is unknown until a relay
    leads in it and has compared it with the broker: raises NotReadyYet.
    """
    row = await connection.fetchrow(_LAST_RESTORE)
    assert row is not None, "the first migration inserts the leader row"
    if not row["checked"]:
        raise NotReadyYet
    restored_at: dt.datetime | None = row["restored_at"]
    return restored_at


async def begin_generation_if_restored(
    connection: DatabaseConnection,
    epoch: int,
    highest_sequence: int,
    service: str,
    versioned_tables: Sequence[str],
    now: dt.datetime,
) -> None:
    """Begin a new generation of the log above the broker's highest sequence if the database never assigned that.

    The versions in ``versioned_tables`` are raised with it. Either way the database is known to be compared. Raises
    LeadershipLost.
    """
    if await connection.fetchval(_MARK_CHECKED, epoch, highest_sequence):
        return
    async with connection.transaction():
        if not await connection.fetchval(_NEW_GENERATION, epoch, highest_sequence, now):
            raise lease.LeadershipLost
        for table in versioned_tables:
            await connection.execute(f"UPDATE {table} SET version = version + {RESTORE_VERSION_INCREMENT}")
    metrics.LOG_GENERATIONS.inc()
    _log.error(
        "the database was restored, the broker is ahead: new log generation",
        above_sequence=highest_sequence,
        action=f"kierto announce {service}",
    )
