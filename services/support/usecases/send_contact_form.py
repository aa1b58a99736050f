"""The contact form (S1)."""

import uuid

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.support.tickets import Channel, ContactFormReceived, SendContactForm
from services.contracts.values import Id, Refusal, malformed
from services.support.domain.contact_form import ContactForm, parse_contact_form
from services.support.domain.limits import WINDOW, MessageLimits, limit_refusal
from services.support.domain.ticket import SenderContact, SiteCopy
from services.support.usecases.attachments import keep_attachments
from services.support.usecases.find_subject import FoundSubject, subject_refusal
from services.support.usecases.open_ticket import open_ticket
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.record_cause import record_receipt


async def send_contact_form(
    tx: SupportStore,
    caller: Caller,
    limits: MessageLimits,
    command: SendContactForm,
    subject: FoundSubject | None,
    read: ReadAgain[ContactFormReceived],
) -> ContactFormReceived | Refusal:
    """Open a ticket about a site, with a receipt that is due.

    A form without a site is about the only one that the caller reaches. A form that is sent again is answered with its
    ticket, whatever the limits say by then.
    """
    form = parse_contact_form(command)
    if isinstance(form, Refusal):
        return form
    if command.site_id is None:
        site = await tx.sites.only_reached(caller.subject_id, tx.today)
        if site is None:
            return Refusal(problems=[malformed("siteId", reason="REQUIRED")])
    else:
        site = await tx.sites.by_id(read_id("site", command.site_id))
        assert site is not None, "the caller was authorised for it"

    if refusal := subject_refusal(subject, site):
        return refusal

    async def do() -> ContactFormReceived | Refusal:
        opened = await _open_ticket(tx, caller, limits, command, form, site)
        if isinstance(opened, Refusal):
            return opened
        received = await read([opened])
        assert received is not None, "the caller reaches the site"
        return received

    return await tx.execute_once(
        organisation=write_id("org", site.organisation_id),
        caller=caller.subject_id,
        operation="sendContactForm",
        command=command,
        do=do,
        ids=lambda received: [received.ticket.id],
        read_again={ContactFormReceived: read},
    )


async def _open_ticket(
    tx: SupportStore, caller: Caller, limits: MessageLimits, command: SendContactForm, form: ContactForm, site: SiteCopy
) -> Id | Refusal:
    user_id = read_id("user", caller.subject_id)
    # Of a hundred forms at once each sees the tickets before it.
    await tx.tickets.lock_limits(str(user_id), str(site.organisation_id))
    if refusal := await _check_limits(tx, caller, limits, user_id, site):
        return refusal
    file_ids = await keep_attachments(tx, caller.subject_id, command.attachment_ids)
    if isinstance(file_ids, Refusal):
        return file_ids
    ticket_id = new_uuid()
    ticket = await open_ticket(
        tx,
        ticket_id,
        site=site,
        user_id=user_id,
        topic=command.topic,
        channel=Channel.PORTAL,
        message=form.message,
        subject=command.subject,
        preference=command.contact_preference,
        contact=SenderContact(ticket_id=ticket_id, phone=form.phone) if form.phone else None,
        file_ids=file_ids,
    )
    await record_receipt(tx, ticket)
    return write_id("ticket", ticket.id)


async def _check_limits(
    tx: SupportStore, caller: Caller, limits: MessageLimits, user_id: uuid.UUID, site: SiteCopy
) -> Refusal | None:
    since = tx.now - WINDOW
    full_since = [await tx.tickets.nth_newest_of_user(user_id, limits.staff if caller.staff else limits.person, since)]
    if not caller.staff:
        full_since.append(await tx.tickets.nth_newest_of_organisation(site.organisation_id, limits.organisation, since))
    return limit_refusal([opened_at for opened_at in full_since if opened_at], tx.now)
