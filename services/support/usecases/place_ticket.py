"""The site that the staff give to a ticket, and so its organisation (S2)."""

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import read_id, write_id
from services.contracts.identity.people import Language
from services.contracts.support.tickets import PlaceTicket, TicketPlaced
from services.contracts.values import Conflict, Id, Refusal
from services.support.domain.ticket import TicketRecord
from services.support.domain.ticket_place import placed_at
from services.support.mapping.message_mail import describe_placing
from services.support.usecases.add_entry import add_system_note
from services.support.usecases.change_ticket import change_ticket, save_change
from services.support.usecases.ports.transaction import SupportStore


async def place_ticket(
    tx: SupportStore, language: Language, caller: Caller, command: PlaceTicket, read: ReadAgain[TicketPlaced]
) -> TicketPlaced | Conflict | Refusal:
    """Place a ticket at a site, with a note in its thread and an entry in the audit log.

    Those who reach the site see it from then on.
    """

    async def do(ticket: TicketRecord) -> Id | Refusal:
        site = await tx.sites.by_id(read_id("site", command.site_id))
        assert site is not None, "the caller was authorised for it"
        placed = placed_at(ticket, site, tx.now)
        if isinstance(placed, Refusal):
            return placed
        await save_change(tx, placed)
        await add_system_note(tx, ticket.id, describe_placing(site.site_number, language))
        tx.audit(
            AuditEntry(
                actor=caller.subject_id,
                action="TICKET_PLACED",
                subject=command.ticket_id,
                organisation_id=write_id("org", site.organisation_id),
            )
        )
        return command.ticket_id

    return await change_ticket(tx, caller, "placeTicket", command, do, TicketPlaced, read)
