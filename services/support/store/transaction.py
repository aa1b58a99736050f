"""The transaction on support's own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.support import SupportAuditRecorded
from services.support.store.receipts import PostgresReceiptRepository
from services.support.store.sites import PostgresSiteCopyRepository
from services.support.store.tickets import PostgresTicketRepository


class SupportTransaction(Transaction):
    """Implements ``usecases.ports.transaction.SupportStore``."""

    audit_event = SupportAuditRecorded

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.sites = PostgresSiteCopyRepository(connection)
        self.tickets = PostgresTicketRepository(connection)
        self.receipts = PostgresReceiptRepository(connection)
