"""The operations of stats, for one caller: each calls its query or use case."""

import datetime as dt

from services.access.caller import Caller
from services.chassis.problems import MalformedInput
from services.contracts.stats import Period, VolumeFilter, Volumes
from services.contracts.values import Refusal
from services.hosting.blueprint import ServiceRuntime
from services.hosting.imports_api import ImportsApi
from services.stats.domain.date_range import date_range
from services.stats.queries import volumes
from services.stats.store.transaction import StatsTransaction


class StatsApi(ImportsApi):
    """``services.contracts.stats.Stats`` for one caller."""

    def __init__(self, runtime: ServiceRuntime[StatsTransaction], caller: Caller) -> None:
        super().__init__(runtime.imports, caller)
        self._runtime = runtime

    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        filter: VolumeFilter | None = None,
    ) -> Volumes | Refusal:
        if until < since:
            raise MalformedInput("until", reason="EARLIEST", earliest=since.isoformat())
        days = date_range(since, until)
        if isinstance(days, Refusal):
            return days
        async with self._runtime.pool.acquire() as connection:
            return await volumes.volumes(
                connection,
                self._caller,
                self._runtime.clock.today(),
                days,
                period,
                filter or VolumeFilter(),
            )
