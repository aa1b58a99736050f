"""The port of the transaction."""

from typing import Protocol

from services.chassis.events.transaction import UnitOfWork
from services.chassis.events.transaction_port import TransactionPort
from services.identity.usecases.ports.access import AccessRepository
from services.identity.usecases.ports.attempts import AttemptRepository
from services.identity.usecases.ports.collected_audit import CollectedAuditRepository
from services.identity.usecases.ports.email_changes import EmailChangeRepository
from services.identity.usecases.ports.invitations import InvitationRepository
from services.identity.usecases.ports.invoices import InvoiceCopyRepository
from services.identity.usecases.ports.links import LinkRepository
from services.identity.usecases.ports.members import MemberRepository
from services.identity.usecases.ports.organisations import OrganisationRepository
from services.identity.usecases.ports.partners import PartnerRepository
from services.identity.usecases.ports.sessions import SessionRepository
from services.identity.usecases.ports.sites import SiteCopyRepository
from services.identity.usecases.ports.users import UserRepository


class IdentityStore(TransactionPort, Protocol):
    """A transaction on identity's own data."""

    @property
    def access(self) -> AccessRepository: ...

    @property
    def attempts(self) -> AttemptRepository: ...

    @property
    def collected_audit(self) -> CollectedAuditRepository: ...

    @property
    def email_changes(self) -> EmailChangeRepository: ...

    @property
    def invitations(self) -> InvitationRepository: ...

    @property
    def invoices(self) -> InvoiceCopyRepository: ...

    @property
    def links(self) -> LinkRepository: ...

    @property
    def members(self) -> MemberRepository: ...

    @property
    def organisations(self) -> OrganisationRepository: ...

    @property
    def partners(self) -> PartnerRepository: ...

    @property
    def sessions(self) -> SessionRepository: ...

    @property
    def sites(self) -> SiteCopyRepository: ...

    @property
    def users(self) -> UserRepository: ...


Work = UnitOfWork[IdentityStore]
