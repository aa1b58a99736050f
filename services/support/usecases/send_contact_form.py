"""The contact form (S1)."""

import uuid

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.support import ContactFormReceived, SendContactForm, TicketState
from services.contracts.values import Refusal
from services.support.domain.contact_form import ContactForm, parse_contact_form
from services.support.domain.limits import WINDOW, MessageLimits, limit_refusal
from services.support.domain.ticket import SiteCopy, TicketRecord, ticket_number
from services.support.mapping.events import ticket_opened_event
from services.support.mapping.responses import ticket_response
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.send_receipt import SendReceipt


async def send_contact_form(
    tx: SupportStore,
    caller: Caller,
    limits: MessageLimits,
    command: SendContactForm,
    read_again: ReadAgain[ContactFormReceived],
) -> ContactFormReceived | Refusal:
    """Open a ticket about a site, with a receipt that is due.

    A form that is sent again is answered with its ticket, whatever the limits say by then.
    """
    form = parse_contact_form(command)
    if isinstance(form, Refusal):
        return form
    site = await tx.sites.by_id(read_id("site", command.site_id))
    assert site is not None, "the caller was authorised for it"

    async def do() -> ContactFormReceived | Refusal:
        return await _open_ticket(tx, caller, limits, command, form, site)

    return await tx.execute_once(
        organisation=write_id("org", site.organisation_id),
        caller=caller.subject_id,
        operation="sendContactForm",
        command=command,
        do=do,
        ids=lambda received: [received.ticket.id],
        read_again={ContactFormReceived: read_again},
    )


async def _open_ticket(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: SendContactForm, form: ContactForm, site: SiteCopy
) -> ContactFormReceived | Refusal:
    user_id = read_id("user", caller.subject_id)
    # Of a hundred forms at once each sees the tickets before it.
    await tx.tickets.lock_limits(user_id, site.organisation_id)
    if refusal := await _check_limits(tx, caller, limits, user_id, site):
        return refusal
    ticket = TicketRecord(
        id=new_uuid(),
        number=ticket_number(tx.today.year, await tx.tickets.next_number()),
        organisation_id=site.organisation_id,
        site_id=site.id,
        site_number=site.site_number,
        user_id=user_id,
        topic=command.topic,
        state=TicketState.OPEN,
        message=form.message,
        contact_preference=command.contact_preference,
        phone=form.phone,
        opened_at=tx.now,
        version=1,
    )
    await tx.tickets.add(ticket)
    await tx.receipts.add(ticket.id, ticket.user_id)
    tx.enqueue(SendReceipt(ticket_id=ticket.id))
    tx.emit(ticket_opened_event(ticket))
    return ContactFormReceived(ticket=ticket_response(ticket))


async def _check_limits(
    tx: SupportStore, caller: Caller, limits: MessageLimits, user_id: uuid.UUID, site: SiteCopy
) -> Refusal | None:
    since = tx.now - WINDOW
    full_since = [await tx.tickets.nth_newest_of_user(user_id, limits.staff if caller.staff else limits.person, since)]
    if not caller.staff:
        full_since.append(await tx.tickets.nth_newest_of_organisation(site.organisation_id, limits.organisation, since))
    return limit_refusal([opened_at for opened_at in full_since if opened_at], tx.now)
