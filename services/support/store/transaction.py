"""The transaction on support's own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.support.events import SupportAuditRecorded
from services.support.store.entries import PostgresEntryRepository
from services.support.store.held_messages import PostgresHeldMessageRepository
from services.support.store.mail_suppressions import PostgresMailSuppressionRepository
from services.support.store.members import PostgresMemberDirectory
from services.support.store.messages import PostgresMessageChoiceRepository, PostgresMessageRepository
from services.support.store.public_forms import PostgresPublicFormRepository
from services.support.store.sites import PostgresSiteCopyRepository
from services.support.store.staff import PostgresStaffDirectory
from services.support.store.tickets import PostgresTicketRepository


class SupportTransaction(Transaction):
    """Implements ``usecases.ports.transaction.SupportStore``."""

    audit_event = SupportAuditRecorded

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.sites = PostgresSiteCopyRepository(connection)
        self.tickets = PostgresTicketRepository(connection)
        self.entries = PostgresEntryRepository(connection)
        self.public_forms = PostgresPublicFormRepository(connection)
        self.staff = PostgresStaffDirectory(connection)
        self.members = PostgresMemberDirectory(connection)
        self.messages = PostgresMessageRepository(connection)
        self.held_messages = PostgresHeldMessageRepository(connection)
        self.message_choices = PostgresMessageChoiceRepository(connection)
        self.mail_suppressions = PostgresMailSuppressionRepository(connection)
