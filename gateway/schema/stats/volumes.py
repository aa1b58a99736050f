"""Query volumes."""

import datetime as dt
from collections.abc import Awaitable
from typing import Annotated

from gateway.execution.cost.directives import ListSize
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.stats import Period, VolumeFilter, Volumes
from services.contracts.values import Doc, Refusal


@field("VolumesResult", size=ListSize(assumed_size=50, sized_fields=["steps"]))
def volumes(
    info: Info,
    since: Annotated[dt.date, Doc("The first day.")],
    until: Annotated[dt.date, Doc("The last day, inclusive, at most ten years later.")],
    period: Period = Period.MONTH,
    filter: Annotated[VolumeFilter | None, Doc("The conditions that the volumes meet; None: no condition.")] = None,
) -> Awaitable[Volumes | Refusal]:
    """The volumes collected between two days on the sites that the caller may see, step by step (T1)."""
    return raw_client(info.context.clients.stats).volumes(since, until, period, filter)
