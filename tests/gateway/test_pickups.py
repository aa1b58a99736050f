"""Extra pickups, reports of pickups, and volumes."""

import datetime as dt

import pytest

from services.contracts.orders.reports import PickupReport, ReportKind
from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.samples import PARTNER, agreement_id, order_id

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_extra_pickup_is_ordered(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($input: OrderExtraPickupInput!) { orderExtraPickup(input: $input) { ... on Ordered { order {
             id state date placedAt site { siteNumber } agreement { agreementNumber } timeline { state at }
        } } } }""",
        gateway.user(),
        input={"idempotencyKey": "k1", "agreementId": agreement_id(1), "date": "2026-03-10"},
    )
    assert answer["data"]["orderExtraPickup"]["order"] == {
        "id": order_id(1),
        "state": "CONFIRMED",
        "date": "2026-03-10",
        "placedAt": "2026-03-04T08:00:00Z",
        "site": {"siteNumber": "S1"},
        "agreement": {"agreementNumber": "A1"},
        "timeline": [{"state": state, "at": "2026-03-04T08:00:00Z"} for state in ("RECEIVED", "CONFIRMED")],
    }


async def test_a_partner_reports_pickups(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) {
             ... on PickupsReported { outcomes { reportId accepted } } } }""",
        gateway.partner(),
        input={
            "reports": [
                {"reportId": "r1", "kind": "EMPTIED", "at": "2026-03-10T09:00:00+02:00", "orderId": order_id(1)}
                | {"grams": 38500}
            ]
        },
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [{"reportId": "r1", "accepted": True}]
    (call,) = gateway.services.calls
    assert call.arguments["reports"] == [
        PickupReport(
            report_id="r1",
            kind=ReportKind.EMPTIED,
            at=dt.datetime(2026, 3, 10, 7, tzinfo=dt.UTC),
            order_id=order_id(1),
            grams=38_500,
        )
    ]
    assert call.caller is not None and call.caller.sub == PARTNER


async def test_a_problem_of_one_report_leads_to_it(gateway: GatewayFixture) -> None:
    report = {"kind": "EMPTIED", "at": "2026-03-10T09:00:00Z", "grams": 38500}
    answer = await gateway.execute(
        """mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) {
             ... on PickupsReported { outcomes { refusal { problems { code path } } } } } }""",
        gateway.partner(),
        input={"reports": [report | {"reportId": "fine"}, report | {"reportId": "unplanned"}]},
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [
        {"refusal": None},
        {"refusal": {"problems": [{"code": "NOT_PLANNED", "path": ["input", "reports", "1", "date"]}]}},
    ]


async def test_an_input_may_be_a_literal(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation { reportPickups(input: {reports: [
             {reportId: "r", kind: EMPTIED, at: "2026-03-10T09:00:00Z", grams: 38500}]}) {
               ... on PickupsReported { outcomes { accepted } } } }""",
        gateway.partner(),
    )
    assert answer["data"]["reportPickups"]["outcomes"] == [{"accepted": True}]


async def test_grams_beyond_32_bits_are_shown(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ volumes(since: "2026-03-01", until: "2026-03-31", filter: {fractions: [RESIDUAL]}) {
             ... on Volumes { grams steps { start rows { grams } } } } }""",
        gateway.user(),
    )
    assert answer["data"]["volumes"] == {
        "grams": 5_000_000_000,
        "steps": [{"start": "2026-03-01", "rows": [{"grams": 5_000_000_000}]}],
    }


@pytest.mark.parametrize("grams", [2**53, 1.5, True, "1"])
async def test_a_long_is_a_whole_number_below_2_to_the_53(gateway: GatewayFixture, grams: object) -> None:
    report = {"reportId": "r", "kind": "EMPTIED", "at": "2026-03-10T09:00:00Z", "grams": grams}
    answer = await gateway.execute(
        "mutation ($r: PickupReportInput!) { reportPickups(input: {reports: [$r]}) { __typename } }",
        gateway.partner(),
        r=report,
    )
    assert "Long cannot represent" in answer["errors"][0]["message"]


async def test_an_instant_needs_its_offset(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation { reportPickups(input: {reports: [
             {reportId: "r", kind: ARRIVED, at: "2026-03-10T09:00:00", grams: 1}]}) { __typename } }""",
        gateway.partner(),
    )
    assert "Z or an offset" in answer["errors"][0]["message"]
