"""Mutation reportPickups."""

import msgspec

from gateway.execution.cost.directives import ListSize
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field, within_input
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportOutcome
from services.contracts.values import Refusal, Value


class ReportPickups(Value, frozen=True, kw_only=True):
    """Reports on pickups."""

    reports: list[PickupReport]
    """The reports, in any order."""


@field("ReportPickupsResult", size=ListSize(slicing_arguments=["input.reports"], sized_fields=["outcomes"]))
async def report_pickups(info: Info, input: ReportPickups) -> PickupsReported | Refusal:
    """Report on pickups (O17), in any order; repetitions have no effect. Partners with `pickups:report`."""
    result = await info.context.clients.orders.report_pickups(input.reports)
    if isinstance(result, Refusal):
        return result
    outcomes = [
        msgspec.structs.replace(one, refusal=within_input(one.refusal)) if one.refusal else one
        for one in result.outcomes
    ]
    return msgspec.structs.replace(result, outcomes=outcomes)


extend_type(ReportOutcome, weight=10)
