"""Schedules: for many agreements at once, what decides about their pickups between two days."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule
from services.orders.domain.pickup import PickupRecord
from services.orders.store import orders, pickups, reference_data


async def fetch_schedules(
    connection: DatabaseConnection, zone: str, agreements: Collection[AgreementRecord], since: dt.date, until: dt.date
) -> dict[uuid.UUID, Schedule]:
    """The schedule of each agreement, by its id, with one set of queries. ``zone`` is the operator's."""
    if not agreements:
        return {}
    ids = [agreement.id for agreement in agreements]
    routes = await reference_data.routes(connection, {agreement.facts.route_number for agreement in agreements})
    rules = await reference_data.rules(connection, {agreement.municipality for agreement in agreements})
    holidays = await reference_data.holidays(connection, zone)
    ordered, recorded = (
        defaultdict[uuid.UUID, list[PickupRecord]](list),
        defaultdict[uuid.UUID, list[PickupRecord]](list),
    )
    for one in await orders.extra_pickups(connection, ids, since, until):
        ordered[one.agreement_id].append(one)
    for one in await pickups.pickups_between(connection, ids, since, until):
        recorded[one.agreement_id].append(one)
    return {
        agreement.id: Schedule(
            agreement=agreement,
            route=routes[agreement.facts.route_number],
            holidays=holidays,
            rules=rules,
            ordered=ordered[agreement.id],
            recorded=recorded[agreement.id],
        )
        for agreement in agreements
    }
