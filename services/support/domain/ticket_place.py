"""The place of a ticket: its site, and the organisation of that."""

import datetime as dt

import msgspec

from services.contracts.support.tickets import Channel
from services.contracts.values import Refusal, refuse
from services.support.domain.ticket import SiteCopy, TicketRecord


def placed_at(ticket: TicketRecord, site: SiteCopy, now: dt.datetime) -> TicketRecord | Refusal:
    """Return a ticket that belongs to a site; at another site it is not about a thing of the first one any more.

    Refused with OTHER_ORGANISATION if it has an organisation that the site does not have, and with STAFF_ONLY if Kierto
    wrote it for the staff.
    """
    if ticket.organisation_id is None and ticket.channel is Channel.SYSTEM:
        return refuse("STAFF_ONLY", "ticketId")
    if ticket.organisation_id not in (None, site.organisation_id):
        return refuse("OTHER_ORGANISATION", "siteId")
    stays = ticket.site_id == site.id
    return msgspec.structs.replace(
        ticket,
        organisation_id=site.organisation_id,
        site_id=site.id,
        site_number=site.site_number,
        pickup_id=ticket.pickup_id if stays else None,
        order_id=ticket.order_id if stays else None,
        agreement_id=ticket.agreement_id if stays else None,
        updated_at=now,
        version=ticket.version + 1,
    )
