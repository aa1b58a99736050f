"""Query volumes."""

import datetime as dt
from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volumes
from services.contracts.values import Doc, Id, Refusal


@field("VolumesResult", size=ListSize(assumed_size=200, sized_fields=["rows"]))
def volumes(
    info: Info,
    since: Annotated[dt.date, Doc("The first day.")],
    until: Annotated[dt.date, Doc("The last day, inclusive, at most ten years later.")],
    period: Period = Period.MONTH,
    organisation_id: Annotated[Id | None, Doc("Sites of this organisation alone; None: of all.")] = None,
    site_ids: Annotated[list[Id] | None, Doc("These sites alone; None: all that the caller may see.")] = None,
    fractions: Annotated[list[Fraction] | None, Doc("These fractions alone; None: all.")] = None,
) -> Awaitable[Volumes | Refusal]:
    """The volumes collected between two days on the sites that the caller may see (T1)."""
    return raw_client(info.context.clients.stats).volumes(since, until, period, organisation_id, site_ids, fractions)
