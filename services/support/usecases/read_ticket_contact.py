"""The person to whom the answers to a ticket go (S2), read by the staff."""

import msgspec

from services.access.caller import Caller
from services.chassis.audit.entry import AuditEntry
from services.chassis.events.transaction import UnitOfWork
from services.chassis.ids import read_id, write_id, write_optional_id
from services.contracts.support.tickets import Channel, ContactSource, TicketContact
from services.contracts.values import Id, Refusal, refuse
from services.support.domain.limits import digest_of
from services.support.domain.ticket import SenderContact, TicketRecord
from services.support.mapping.responses import suppression_response
from services.support.usecases.ports.recipients import Recipients
from services.support.usecases.ports.site_contacts import SiteContacts
from services.support.usecases.ports.transaction import SupportStore
from services.support.usecases.resume_mail import find_suppression


async def read_ticket_contact(
    work: UnitOfWork[SupportStore], recipients: Recipients, sites: SiteContacts, caller: Caller, id: Id
) -> TicketContact | Refusal:
    """Return a ticket's contact, after the read is in the audit log.

    The owners are called between two transactions; the second one finds whether mail is sent to the address. Raise
    NotReadyYet while one of them does not answer.
    """
    async with work() as tx:
        ticket = await tx.tickets.by_id(read_id("ticket", id))
        assert ticket is not None, "the caller was authorised for it"
        own = await tx.tickets.contact(ticket.id)
        tx.audit(
            AuditEntry(
                actor=caller.subject_id,
                action="TICKET_CONTACT_READ",
                subject=id,
                organisation_id=write_optional_id("org", ticket.organisation_id),
            )
        )
    contact = await find_contact(recipients, sites, ticket, own)
    if contact is None:
        return refuse("NO_CONTACT", "ticketId")
    async with work() as tx:
        suppression = await find_suppression(tx, digest_of((contact.email or "").casefold()))
    return msgspec.structs.replace(contact, mail_suppression=suppression_response(suppression) if suppression else None)


async def find_contact(
    recipients: Recipients, sites: SiteContacts, ticket: TicketRecord, own: SenderContact | None
) -> TicketContact | None:
    """Return the contact of a ticket's sender: of the user who wrote, else the ticket's own, else the site's.

    None if nobody is known, as after an erasure.
    """
    phone = own.phone if own else None
    if ticket.channel is Channel.PORTAL and ticket.user_id is not None:
        user = await recipients.contact_of(write_id("user", ticket.user_id))
        if user is not None:
            return TicketContact(source=ContactSource.USER, name=user.username, email=user.email, phone=phone)
    elif own is not None and (own.email or own.phone):
        return TicketContact(source=ContactSource.TICKET, name=own.name, email=own.email, phone=phone)
    site = await sites.contact_of(write_id("site", ticket.site_id)) if ticket.site_id else None
    if site is None or site.contact_person is None:
        return None
    person = site.contact_person
    return TicketContact(source=ContactSource.SITE, name=person.name, email=person.email, phone=phone or person.phone)
