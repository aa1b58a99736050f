"""The port of the transaction."""

from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.stats.usecases.ports.invoices import InvoiceRepository
from services.stats.usecases.ports.organisations import OrganisationCopyRepository
from services.stats.usecases.ports.pickups import PickupFactRepository
from services.stats.usecases.ports.volumes import VolumeRepository


class StatsStore(TransactionPort, Protocol):
    """A transaction on stats' own data."""

    @property
    def organisations(self) -> OrganisationCopyRepository: ...

    @property
    def pickups(self) -> PickupFactRepository: ...

    @property
    def volumes(self) -> VolumeRepository: ...

    @property
    def invoices(self) -> InvoiceRepository: ...
