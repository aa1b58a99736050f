"""Imports that are parked: they wait for a build that knows their kind."""

import uuid
from collections.abc import Collection

from services.chassis.db.postgres import Pool
from services.chassis.ids import write_id
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

PARKED_WAIT_S = 30
"""Time between two runs of an import of a kind that this build does not know."""
_PARKED = "SELECT id, kind FROM chassis.imports WHERE state = 'RUNNING' AND kind <> ALL ($1)"


class ParkedImports:
    """Parked imports of one service, whose ``kinds`` this build knows; ``prefix`` is that of the imports' ids."""

    def __init__(self, prefix: str, pool: Pool, kinds: Collection[str]) -> None:
        self._prefix = prefix
        self._pool = pool
        self._kinds = list(kinds)
        self._logged: set[uuid.UUID] = set()

    async def log(self) -> None:
        """Count the parked imports, and log each once."""
        parked = {row["id"]: row["kind"] for row in await self._pool.fetch(_PARKED, self._kinds)}
        metrics.IMPORTS_PARKED.set(len(parked))
        for import_id in parked.keys() - self._logged:
            _log.error("import of unknown kind", id=write_id(self._prefix, import_id), kind=parked[import_id])
        self._logged = set(parked)
