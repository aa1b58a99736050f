"""A call, a letter or a visit that the staff write down (S2, practice 33)."""

from services.access.caller import Caller
from services.chassis.db.idempotency import ReadAgain
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.support.tickets import ContactLogged, LogContact
from services.contracts.values import Refusal
from services.support.domain.contact_form import parse_logged_contact
from services.support.domain.ticket import SenderContact
from services.support.usecases.find_subject import FoundSubject, subject_refusal
from services.support.usecases.open_ticket import open_ticket
from services.support.usecases.ports.transaction import SupportStore


async def log_contact(
    tx: SupportStore,
    caller: Caller,
    command: LogContact,
    subject: FoundSubject | None,
    read: ReadAgain[ContactLogged],
) -> ContactLogged | Refusal:
    """Open a ticket about a site for a customer who called, wrote or came."""
    form = parse_logged_contact(command)
    if isinstance(form, Refusal):
        return form
    site = await tx.sites.by_id(read_id("site", command.site_id))
    assert site is not None, "the caller was authorised for it"

    if refusal := subject_refusal(subject, site):
        return refusal

    async def do() -> ContactLogged | Refusal:
        ticket_id = new_uuid()
        ticket = await open_ticket(
            tx,
            ticket_id,
            site=site,
            user_id=read_id("user", caller.subject_id),
            topic=command.topic,
            channel=command.channel,
            message=form.message,
            subject=command.subject,
            contact=SenderContact(
                ticket_id=ticket_id,
                name=command.name,
                email=form.email,
                phone=form.phone,
                identified_by=command.identified_by,
            ),
        )
        logged = await read([write_id("ticket", ticket.id)])
        assert logged is not None, "the caller reaches the site"
        return logged

    return await tx.execute_once(
        organisation=write_id("org", site.organisation_id),
        caller=caller.subject_id,
        operation="logContact",
        command=command,
        do=do,
        ids=lambda logged: [logged.ticket.id],
        read_again={ContactLogged: read},
    )
