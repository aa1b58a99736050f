"""Sending the contact form (S1)."""

import uuid

from services.access.caller import Caller
from services.chassis.ids import find_id, new_uuid, read_id, write_id
from services.contracts.support import ContactFormReceived, SendContactForm, Ticket, TicketOpened, TicketState
from services.contracts.values import Refusal, refuse
from services.support.domain.contact_form import ContactForm, parse_contact_form
from services.support.domain.limits import WINDOW, MessageLimits, limit_refusal
from services.support.domain.ticket import SiteCopy, TicketRecord, ticket_number
from services.support.usecases.ports import SupportStore


async def send_contact_form(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: SendContactForm
) -> ContactFormReceived | Refusal:
    """Open a ticket about a site that the caller sees, in whatever role, and have its receipt sent.

    A form that was sent before is answered again, however many there were since.
    """
    form = parse_contact_form(command)
    if isinstance(form, Refusal):
        return form
    site = await _find_site(tx, caller, command)
    if isinstance(site, Refusal):
        return site

    async def do() -> ContactFormReceived | Refusal:
        return await _open_ticket(tx, caller, limits, command, form, site)

    return await tx.execute_once(
        organisation=write_id("org", site.organisation_id),
        caller=caller.subject_id,
        operation="sendContactForm",
        command=command,
        answer=ContactFormReceived,
        do=do,
    )


async def _find_site(tx: SupportStore, caller: Caller, command: SendContactForm) -> SiteCopy | Refusal:
    """The site, if the caller sees it.

    One that support has not heard of may exist if the caller's access covers it: its event may be on its way.
    """
    site_id = find_id("site", command.site_id)
    site = await tx.site(site_id) if site_id else None
    if site is not None and await tx.reaches(caller, site):
        return site
    if site_id and site is None and await tx.access_covers_site(caller, site_id):
        return refuse("NOT_READY_YET", "siteId", retryable=True)
    return refuse("NOT_FOUND", "siteId")


async def _open_ticket(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: SendContactForm, form: ContactForm, site: SiteCopy
) -> ContactFormReceived | Refusal:
    year, user_id = tx.today.year, read_id("user", caller.subject_id)
    # From here on no other ticket is opened: of a hundred forms at once each sees those before it.
    number = await tx.next_number(year)
    if refusal := await _check_limits(tx, caller, limits, user_id, site):
        return refusal
    ticket = TicketRecord(
        id=new_uuid(),
        number=ticket_number(year, number),
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
    await tx.add_ticket(ticket)
    tx.emit(ticket_opened_event(ticket))
    return ContactFormReceived(ticket=ticket_response(ticket))


async def _check_limits(
    tx: SupportStore, caller: Caller, limits: MessageLimits, user_id: uuid.UUID, site: SiteCopy
) -> Refusal | None:
    since = tx.now - WINDOW
    full_since = [await tx.nth_newest_of_user(user_id, limits.staff if caller.staff else limits.person, since)]
    if not caller.staff:
        full_since.append(await tx.nth_newest_of_organisation(site.organisation_id, limits.organisation, since))
    return limit_refusal([one for one in full_since if one], tx.now)


def ticket_response(ticket: TicketRecord) -> Ticket:
    """A ticket as those who see its site see it."""
    return Ticket(
        id=write_id("ticket", ticket.id),
        number=ticket.number,
        organisation_id=write_id("org", ticket.organisation_id),
        site_id=write_id("site", ticket.site_id),
        topic=ticket.topic,
        state=ticket.state,
        message=ticket.message,
        contact_preference=ticket.contact_preference,
        opened_at=ticket.opened_at,
    )


def ticket_opened_event(ticket: TicketRecord) -> TicketOpened:
    """A ticket as it is announced: without what was written."""
    return TicketOpened(
        ticket_id=write_id("ticket", ticket.id),
        organisation_id=write_id("org", ticket.organisation_id),
        site_id=write_id("site", ticket.site_id),
        topic=ticket.topic,
        version=ticket.version,
    )
