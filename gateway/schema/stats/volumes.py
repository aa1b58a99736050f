"""Query volumes."""

import datetime as dt
from collections.abc import Awaitable

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volumes
from services.contracts.values import Id, Refusal


@field("VolumesResult", size=ListSize(assumed_size=200, sized_fields=["rows"]))
def volumes(
    info: Info,
    since: dt.date,
    until: dt.date,
    period: Period = Period.MONTH,
    organisation_id: Id | None = None,
    site_ids: list[Id] | None = None,
    fractions: list[Fraction] | None = None,
) -> Awaitable[Volumes | Refusal]:
    """The volumes collected between two days, both inclusive, on the sites that the caller may see (T1)."""
    return raw_client(info.context.clients.stats).volumes(since, until, period, organisation_id, site_ids, fractions)
