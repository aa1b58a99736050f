"""The transaction on identity's own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.identity.events import IdentityAuditRecorded, IdentityImportFinished
from services.identity.store.access import PostgresAccessRepository
from services.identity.store.attempts import PostgresAttemptRepository
from services.identity.store.collected_audit import PostgresCollectedAuditRepository
from services.identity.store.email_changes import PostgresEmailChangeRepository
from services.identity.store.invitations import PostgresInvitationRepository
from services.identity.store.invoices import PostgresInvoiceCopyRepository
from services.identity.store.links import PostgresLinkRepository
from services.identity.store.members import PostgresMemberRepository
from services.identity.store.organisations import PostgresOrganisationRepository
from services.identity.store.partners import PostgresPartnerRepository
from services.identity.store.sessions import PostgresSessionRepository
from services.identity.store.sites import PostgresSiteCopyRepository
from services.identity.store.users import PostgresUserRepository


class IdentityTransaction(Transaction):
    """Implements ``usecases.ports.transaction.IdentityStore``."""

    audit_event = IdentityAuditRecorded
    import_event = IdentityImportFinished

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.access = PostgresAccessRepository(connection)
        self.attempts = PostgresAttemptRepository(connection)
        self.collected_audit = PostgresCollectedAuditRepository(connection)
        self.email_changes = PostgresEmailChangeRepository(connection)
        self.invoices = PostgresInvoiceCopyRepository(connection)
        self.links = PostgresLinkRepository(connection)
        self.invitations = PostgresInvitationRepository(connection)
        self.members = PostgresMemberRepository(connection)
        self.organisations = PostgresOrganisationRepository(connection)
        self.partners = PostgresPartnerRepository(connection)
        self.sessions = PostgresSessionRepository(connection)
        self.sites = PostgresSiteCopyRepository(connection)
        self.users = PostgresUserRepository(connection)
