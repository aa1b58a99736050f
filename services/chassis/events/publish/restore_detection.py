"""A restored database: the broker holds higher numbers than the database has given, so the database has forgotten."""

from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.publish import lease
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

RESTORE_VERSION_INCREMENT = 1_000_000
"""More than the versions that a thing can have had in what was forgotten: copies elsewhere take only higher ones."""

_LAST_SEQUENCE = "SELECT last_sequence FROM chassis.leader"
_NEW_GENERATION = """
    UPDATE chassis.leader SET last_sequence = $2, generation = gen_random_uuid() WHERE epoch = $1 RETURNING true
"""


async def begin_generation_if_restored(
    connection: DatabaseConnection, epoch: int, highest: int, service: str, versioned: Sequence[str]
) -> None:
    """Begin a new generation of the log above ``highest``, the highest sequence that the broker holds, if that was
    never given here; ``versioned`` are the service's tables whose versions then leap. lease.Deposed if another leads.
    """
    if highest <= await connection.fetchval(_LAST_SEQUENCE):
        return
    async with connection.transaction():
        if not await connection.fetchval(_NEW_GENERATION, epoch, highest):
            raise lease.LeadershipLost
        for table in versioned:
            await connection.execute(f"UPDATE {table} SET version = version + {RESTORE_VERSION_INCREMENT}")
    metrics.LOG_GENERATIONS.inc()
    _log.error(
        "the database was restored, the broker is ahead of it: a new generation of the log begins",
        above=highest,
        to_do=f"kierto announce {service}",
    )
