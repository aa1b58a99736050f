"""Schedules of many agreements at once, composed of the other repositories."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

import msgspec

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
        ids = [agreement.id for agreement in agreements]
        ordered = defaultdict[uuid.UUID, list[PickupRecord]](list)
        recorded = defaultdict[uuid.UUID, list[PickupRecord]](list)
        if ids:
            for pickup in await self._orders.extra_pickups(ids, since, until):
                ordered[pickup.agreement_id].append(pickup)
            for pickup in await self._pickups.between(ids, since, until):
                recorded[pickup.agreement_id].append(pickup)
        return {
            agreement_id: msgspec.structs.replace(
                schedule, ordered=ordered[agreement_id], recorded=recorded[agreement_id]
            )
            for agreement_id, schedule in (await self.without_pickups(zone, agreements)).items()
        }

    async def without_pickups(self, zone: str, agreements: Collection[AgreementRecord]) -> dict[uuid.UUID, Schedule]:
        """Return each agreement's schedule, by its id, without its ordered and its recorded pickups."""
        if not agreements:
            return {}
        routes = await self._routes.by_number({agreement.facts.route_number for agreement in agreements})
        rules = await self._rules.of_municipalities({agreement.municipality for agreement in agreements})
        holidays = await self._holidays.of_zone(zone)
        return {
            agreement.id: Schedule(
                agreement=agreement, route=routes[agreement.facts.route_number], holidays=holidays, rules=rules
            )
            for agreement in agreements
        }
