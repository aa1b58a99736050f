"""What stats offers to one caller: each operation with its decision, handed to the store or a use case."""

import datetime as dt

from services.access.assembly import Foundation
from services.access.caller import PEOPLE, Caller
from services.access.import_offering import ImportOffering
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volumes
from services.contracts.values import Id, Refusal
from services.stats.domain.span import span
from services.stats.store import reads
from services.stats.store.transaction import StatsTransaction


class Offering(ImportOffering):
    """``services.contracts.stats.Stats`` for one caller."""

    def __init__(self, base: Foundation[StatsTransaction], caller: Caller) -> None:
        super().__init__(base.imports, caller)
        self._base = base

    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        organisation_id: Id | None = None,
        site_ids: list[Id] | None = None,
        fractions: list[Fraction] | None = None,
    ) -> Volumes | Refusal:
        self._caller.require(*PEOPLE)
        days = span(since, until)
        if isinstance(days, Refusal):
            return days
        async with self._base.pool.acquire() as connection:
            return await reads.volumes(
                connection, self._caller, self._base.clock.today(), days, period, organisation_id, site_ids, fractions
            )
