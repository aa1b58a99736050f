"""Schedules of many agreements at once, composed of the other repositories."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

from services.chassis.db.postgres import DatabaseConnection
from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule
from services.orders.domain.pickup import PickupRecord
from services.orders.store.holidays import PostgresHolidayRepository
from services.orders.store.orders import PostgresOrderRepository
from services.orders.store.pickups import PostgresPickupRepository
from services.orders.store.routes import PostgresRouteRepository
from services.orders.store.rules import PostgresRuleRepository


class PostgresScheduleRepository:
    """Implements ``usecases.ports.schedules.ScheduleRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._routes = PostgresRouteRepository(connection)
        self._rules = PostgresRuleRepository(connection)
        self._holidays = PostgresHolidayRepository(connection)
        self._orders = PostgresOrderRepository(connection)
        self._pickups = PostgresPickupRepository(connection)

    async def of_agreements(
        self, zone: str, agreements: Collection[AgreementRecord], since: dt.date, until: dt.date
    ) -> dict[uuid.UUID, Schedule]:
        if not agreements:
            return {}
        ids = [agreement.id for agreement in agreements]
        routes = await self._routes.by_number({agreement.facts.route_number for agreement in agreements})
        rules = await self._rules.of_municipalities({agreement.municipality for agreement in agreements})
        holidays = await self._holidays.of_zone(zone)
        ordered = defaultdict[uuid.UUID, list[PickupRecord]](list)
        for pickup in await self._orders.extra_pickups(ids, since, until):
            ordered[pickup.agreement_id].append(pickup)
        recorded = defaultdict[uuid.UUID, list[PickupRecord]](list)
        for pickup in await self._pickups.between(ids, since, until):
            recorded[pickup.agreement_id].append(pickup)
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
