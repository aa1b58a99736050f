"""The operations of support, for one caller: each calls its query or use case."""

from collections.abc import Sequence

from services.access.caller import Caller
from services.contracts.support import ContactFormReceived, SendContactForm, Ticket, TicketFilter, TicketOrder
from services.contracts.values import Connection, Id, Page, Refusal
from services.hosting.blueprint import ServiceRuntime
from services.support.domain.limits import MessageLimits
from services.support.queries import tickets
from services.support.store.transaction import SupportTransaction
from services.support.usecases.send_contact_form import send_contact_form


class SupportApi:
    """``services.contracts.support.Support`` for one caller."""

    def __init__(self, runtime: ServiceRuntime[SupportTransaction], caller: Caller, limits: MessageLimits) -> None:
        self._runtime = runtime
        self._caller = caller
        self._limits = limits

    async def send_contact_form(self, command: SendContactForm) -> ContactFormReceived | Refusal:
        async with self._runtime.work() as tx:

            async def read_again(ids: Sequence[Id]) -> ContactFormReceived | None:
                (ticket,) = await tickets.tickets_by_id(tx.connection, self._caller, tx.today, ids)
                return ContactFormReceived(ticket=ticket) if ticket else None

            return await send_contact_form(tx, self._caller, self._limits, command, read_again)

    async def tickets(
        self, page: Page, filter: TicketFilter | None = None, order: TicketOrder | None = None
    ) -> Connection[Ticket]:
        async with self._runtime.pool.acquire() as connection:
            return await tickets.tickets(connection, self._caller, self._runtime.clock.today(), page, filter, order)

    async def tickets_by_id(self, ids: list[Id]) -> list[Ticket | None]:
        async with self._runtime.pool.acquire() as connection:
            return await tickets.tickets_by_id(connection, self._caller, self._runtime.clock.today(), ids)
