"""What drivers' and planners' systems report."""

from gateway.schema.declare import Info, field
from services.contracts.orders import PickupReport, PickupsReported
from services.contracts.values import Refusal, Value


class ReportPickups(Value, frozen=True, kw_only=True):
    """Up to 500 reports."""

    reports: list[PickupReport]


@field("ReportPickupsResult")
async def report_pickups(info: Info, input: ReportPickups) -> PickupsReported | Refusal:
    """Report what happened at pickups (O17), in any order, more than once. Partners with `pickups:report`."""
    return await info.context.orders.report_pickups(input.reports)
