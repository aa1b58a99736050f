"""The port of the transaction."""

from typing import Protocol

from services.chassis.events.transaction_port import TransactionPort
from services.support.usecases.ports.entries import EntryRepository
from services.support.usecases.ports.held_messages import HeldMessageRepository
from services.support.usecases.ports.mail_suppressions import MailSuppressionRepository
from services.support.usecases.ports.members import MemberDirectory
from services.support.usecases.ports.messages import MessageChoiceRepository, MessageRepository
from services.support.usecases.ports.public_forms import PublicFormRepository
from services.support.usecases.ports.sites import SiteCopyRepository
from services.support.usecases.ports.staff import StaffDirectory
from services.support.usecases.ports.tickets import TicketRepository


class SupportStore(TransactionPort, Protocol):
    """A transaction on support's own data."""

    @property
    def sites(self) -> SiteCopyRepository: ...

    @property
    def tickets(self) -> TicketRepository: ...

    @property
    def entries(self) -> EntryRepository: ...

    @property
    def public_forms(self) -> PublicFormRepository: ...

    @property
    def staff(self) -> StaffDirectory: ...

    @property
    def members(self) -> MemberDirectory: ...

    @property
    def messages(self) -> MessageRepository: ...

    @property
    def held_messages(self) -> HeldMessageRepository: ...

    @property
    def message_choices(self) -> MessageChoiceRepository: ...

    @property
    def mail_suppressions(self) -> MailSuppressionRepository: ...
