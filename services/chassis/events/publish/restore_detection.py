"""Detection of a restored database: the broker has higher sequences than the database has assigned."""

from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.publish import lease
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

RESTORE_VERSION_INCREMENT = 1_000_000
"""More than the versions that an entity can have lost with the restore: copies accept only higher versions."""

_LAST_SEQUENCE = "SELECT last_sequence FROM chassis.leader"
_NEW_GENERATION = """
    UPDATE chassis.leader SET last_sequence = $2, generation = gen_random_uuid() WHERE epoch = $1 RETURNING true
"""


async def begin_generation_if_restored(
    connection: DatabaseConnection, epoch: int, highest_sequence: int, service: str, versioned_tables: Sequence[str]
) -> None:
    """Begin a new generation of the log above the broker's highest sequence if the database never assigned that.

    The versions in ``versioned_tables`` are raised with it. Raises LeadershipLost.
    """
    if highest_sequence <= await connection.fetchval(_LAST_SEQUENCE):
        return
    async with connection.transaction():
        if not await connection.fetchval(_NEW_GENERATION, epoch, highest_sequence):
            raise lease.LeadershipLost
        for table in versioned_tables:
            await connection.execute(f"UPDATE {table} SET version = version + {RESTORE_VERSION_INCREMENT}")
    metrics.LOG_GENERATIONS.inc()
    _log.error(
        "the database was restored, the broker is ahead: new log generation",
        above_sequence=highest_sequence,
        action=f"kierto announce {service}",
    )
