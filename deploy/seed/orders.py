"""Orders' rows: agreements, orders, pickups with their reports, and the copies of sites and containers.

Rows of many sites are in the order of their time, as they would have come.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence

import msgspec

from deploy.seed.history import SiteHistory
from deploy.seed.sites import rows_of_containers
from deploy.seed.tables import TableRows, next_numbers
from services.chassis.db.postgres import DatabaseConnection
from services.contracts.orders.pickups import PickupState
from services.orders.domain.order import order_number
from services.orders.domain.pickup import RecordedPickup

_REPORTER = "erp"


async def rows_of_orders(
    histories: Sequence[SiteHistory], connection: DatabaseConnection, zone: dt.tzinfo
) -> list[TableRows]:
    """Return the rows of sites' agreements, orders with the service's next numbers, and pickups."""
    orders = sorted((versions[-1] for one in histories for versions in one.orders), key=lambda one: one.placed_at)
    counts = await next_numbers(connection, "order_numbers", len(orders))
    pickups = recorded(histories)
    return [
        TableRows(
            "sites",
            "id organisation_id site_number municipality area property_type version",
            [
                (
                    history.site.id,
                    facts.organisation_id,
                    facts.site_number,
                    facts.municipality,
                    facts.area,
                    facts.property_type.value,
                    history.site.version,
                )
                for history in histories
                for facts in [history.site.facts]
            ],
        ),
        rows_of_containers(histories),
        TableRows(
            "agreements",
            "id agreement_number site_id container_id article_id route_number fraction litres count interval_weeks"
            " ordered_on first_pickup ended_on version",
            [
                (
                    agreement.id,
                    facts.agreement_number,
                    facts.site_id,
                    facts.container_id,
                    facts.article_id,
                    facts.route_number,
                    facts.fraction.value,
                    facts.litres,
                    facts.count,
                    facts.interval_weeks,
                    facts.ordered_on,
                    facts.first_pickup,
                    facts.ended_on,
                    agreement.version,
                )
                for history in histories
                for agreement in history.agreements
                for facts in [agreement.facts]
            ],
        ),
        TableRows(
            "orders",
            "id number kind state organisation_id site_id agreement_id article_id fraction date price placed_at"
            " timeline version",
            [
                (
                    one.id,
                    order_number(one.placed_at.astimezone(zone).year, count),
                    one.kind.value,
                    one.state.value,
                    one.organisation_id,
                    one.site_id,
                    one.agreement_id,
                    one.article_id,
                    one.fraction.value,
                    one.date,
                    msgspec.json.encode(one.price).decode(),
                    one.placed_at,
                    msgspec.json.encode(one.timeline).decode(),
                    one.version,
                )
                for one, count in zip(orders, counts, strict=True)
            ],
        ),
        TableRows(
            "pickups",
            "id agreement_id order_id date planned_on state done_at grams failure version organisation_id site_id"
            " article_id fraction",
            [
                (
                    one.pickup.id,
                    one.pickup.agreement_id,
                    one.pickup.order_id,
                    one.pickup.date,
                    one.pickup.planned_on,
                    outcome.state.value,
                    outcome.done_at,
                    outcome.grams,
                    outcome.failure,
                    one.pickup.version,
                    one.organisation_id,
                    one.site_id,
                    one.article_id,
                    one.fraction.value,
                )
                for one in pickups
                for outcome in [one.pickup.outcome]
            ],
        ),
        _rows_of_reports(pickups),
    ]


def recorded(histories: Sequence[SiteHistory]) -> list[RecordedPickup]:
    """Return the pickups of all these sites, by their day."""
    return sorted((one for history in histories for one in history.pickups), key=lambda one: one.pickup.date)


def _rows_of_reports(pickups: Sequence[RecordedPickup]) -> TableRows:
    """Return one report a pickup, as if the ERP had stated it.

    Their ids follow each other, as an ERP's do: ids at random would have each go to a page of its own of the index.
    """
    return TableRows(
        "reports",
        "reporter report_id pickup_id kind at grams reason digest",
        [
            (
                _REPORTER,
                report_id,
                one.pickup.id,
                "EMPTIED" if outcome.state is PickupState.EMPTIED else "FAILED",
                outcome.done_at,
                outcome.grams,
                outcome.failure,
                hashlib.sha256(report_id.encode()).digest(),
            )
            for one in pickups
            for outcome, report_id in [(one.pickup.outcome, f"seed {one.pickup.agreement_id} {one.pickup.date}")]
        ],
    )
