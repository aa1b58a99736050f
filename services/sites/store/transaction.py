"""The transaction on sites' own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.sites import SitesAuditRecorded, SitesImportFinished
from services.sites.store.containers import PostgresContainerRepository
from services.sites.store.organisations import PostgresOrganisationCopyRepository
from services.sites.store.sites import PostgresSiteRepository


class SitesTransaction(Transaction):
    """Implements ``usecases.ports.transaction.SitesStore``."""

    audit_event = SitesAuditRecorded
    import_event = SitesImportFinished

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.containers = PostgresContainerRepository(connection)
        self.organisations = PostgresOrganisationCopyRepository(connection)
        self.sites = PostgresSiteRepository(connection)
