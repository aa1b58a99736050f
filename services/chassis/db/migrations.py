"""Numbered SQL files, applied once each and under a lock, by yoyo-migrations.

yoyo is synchronous and brings psycopg; both are used here and nowhere else.
"""

from collections.abc import Sequence
from pathlib import Path

from services.chassis.telemetry.logging import logger

_log = logger(__name__)

CHASSIS_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database_url: str, folders: Sequence[Path]) -> int:
    """Bring a database up to date, one folder after the other; the number of files that were applied."""
    from yoyo import get_backend, read_migrations  # late: only this one process needs it

    url = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    applied = 0
    with get_backend(url) as backend, backend.lock():
        for folder in folders:
            wanted = backend.to_apply(read_migrations(str(folder)))
            backend.apply_migrations(wanted)
            applied += len(wanted)
    _log.info("migrated", applied=applied)
    return applied
