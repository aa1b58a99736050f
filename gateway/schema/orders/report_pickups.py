"""What drivers' and planners' systems report."""

from gateway.execution.cost.directives import ListSize
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field
from services.contracts.orders import PickupReport, PickupsReported, ReportOutcome
from services.contracts.values import Refusal, Value


class ReportPickups(Value, frozen=True, kw_only=True):
    """Up to 500 reports."""

    reports: list[PickupReport]


@field("ReportPickupsResult", size=ListSize(slicing_arguments=["input.reports"], sized_fields=["outcomes"]))
async def report_pickups(info: Info, input: ReportPickups) -> PickupsReported | Refusal:
    """Report what happened at pickups (O17), in any order, more than once. Partners with `pickups:report`."""
    return await info.context.orders.report_pickups(input.reports)


extend_type(ReportOutcome, weight=10)
