"""The transaction on orders' own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.orders.events import OrdersAuditRecorded, OrdersImportFinished
from services.orders.store.agreements import PostgresAgreementRepository
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.containers import PostgresContainerCopyRepository
from services.orders.store.holidays import PostgresHolidayRepository
from services.orders.store.orders import PostgresOrderRepository
from services.orders.store.pickups import PostgresPickupRepository
from services.orders.store.reports import PostgresReportRepository
from services.orders.store.routes import PostgresRouteRepository
from services.orders.store.rules import PostgresRuleRepository
from services.orders.store.schedules import PostgresScheduleRepository
from services.orders.store.sites import PostgresSiteCopyRepository


class OrdersTransaction(Transaction):
    """Implements ``usecases.ports.transaction.OrdersStore``."""

    audit_event = OrdersAuditRecorded
    import_event = OrdersImportFinished

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.agreements = PostgresAgreementRepository(connection)
        self.orders = PostgresOrderRepository(connection)
        self.pickups = PostgresPickupRepository(connection)
        self.reports = PostgresReportRepository(connection)
        self.sites = PostgresSiteCopyRepository(connection)
        self.containers = PostgresContainerCopyRepository(connection)
        self.articles = PostgresArticleRepository(connection)
        self.routes = PostgresRouteRepository(connection)
        self.holidays = PostgresHolidayRepository(connection)
        self.rules = PostgresRuleRepository(connection)
        self.schedules = PostgresScheduleRepository(connection)
