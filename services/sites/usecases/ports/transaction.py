"""The port of the transaction."""

from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.sites.usecases.ports.containers import ContainerRepository
from services.sites.usecases.ports.organisations import OrganisationCopyRepository
from services.sites.usecases.ports.sites import SiteRepository


class SitesStore(TransactionPort, Protocol):
    """A transaction on sites' own data."""

    @property
    def containers(self) -> ContainerRepository: ...

    @property
    def organisations(self) -> OrganisationCopyRepository: ...

    @property
    def sites(self) -> SiteRepository: ...
