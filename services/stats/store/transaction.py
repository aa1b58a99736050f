"""The transaction on stats' own data."""

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.transaction import Transaction
from services.chassis.runtime.clock import Clock
from services.contracts.stats import StatsAuditRecorded, StatsImportFinished
from services.stats.store.invoices import PostgresInvoiceRepository
from services.stats.store.organisations import PostgresOrganisationCopyRepository
from services.stats.store.pickups import PostgresPickupFactRepository
from services.stats.store.volumes import PostgresVolumeRepository


class StatsTransaction(Transaction):
    """Implements ``usecases.ports.transaction.StatsStore``."""

    audit_event = StatsAuditRecorded
    import_event = StatsImportFinished

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        super().__init__(connection, clock)
        self.organisations = PostgresOrganisationCopyRepository(connection)
        self.pickups = PostgresPickupFactRepository(connection)
        self.volumes = PostgresVolumeRepository(connection)
        self.invoices = PostgresInvoiceRepository(connection)
