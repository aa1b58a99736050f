"""A stub of stats."""

import datetime as dt

from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volume, VolumeFilter, Volumes, VolumeStep
from services.contracts.values import Refusal, refuse
from tests.gateway.stubs.imports import ImportStub
from tests.gateway.stubs.samples import ARTICLE


class StatsStub(ImportStub):
    service = "stats"

    async def volumes(
        self,
        since: dt.date,
        until: dt.date,
        period: Period = Period.MONTH,
        filter: VolumeFilter | None = None,
    ) -> Volumes | Refusal:
        if (until - since).days > 3660:
            return refuse("TOO_LONG", "until", days=3660)
        row = Volume(fraction=Fraction.RESIDUAL, article_id=ARTICLE.id, grams=5_000_000_000, pickups=2)
        step = VolumeStep(start=since, end=until, partial=True, grams=row.grams, pickups=row.pickups, rows=[row])
        return Volumes(steps=[step], grams=5_000_000_000, pickups=2, previous_grams=0)
