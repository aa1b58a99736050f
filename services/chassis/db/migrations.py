"""Schema migrations: numbered SQL files, applied once each and under a lock by yoyo-migrations.

yoyo is synchronous and needs psycopg; both are used only here.
"""

from collections.abc import Sequence
from pathlib import Path

from services.chassis.telemetry.logging import logger

_log = logger(__name__)

CHASSIS_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database_url: str, folders: Sequence[Path]) -> int:
    """Apply the pending files of each folder in order, and return their number."""
    from yoyo import get_backend, read_migrations  # imported late: only the migrating process needs it

    url = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    applied = 0
    with get_backend(url) as backend, backend.lock():
        for folder in folders:
            pending = backend.to_apply(read_migrations(str(folder)))
            backend.apply_migrations(pending)
            applied += len(pending)
    _log.info("migrated", applied=applied)
    return applied
