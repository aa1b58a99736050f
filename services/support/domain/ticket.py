"""A ticket, and the number by which people name it."""

import datetime as dt
import uuid

import msgspec

from services.contracts.support import ContactPreference, TicketState, Topic


class SiteCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of a site."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    site_number: str


class TicketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it is stored. ``site_number`` is the site's at that time; ``user_id`` is the sender's."""

    id: uuid.UUID
    number: str
    organisation_id: uuid.UUID
    site_id: uuid.UUID
    site_number: str
    user_id: uuid.UUID
    topic: Topic
    state: TicketState
    message: str
    contact_preference: ContactPreference
    phone: str | None
    opened_at: dt.datetime
    version: int


def ticket_number(year: int, count: int) -> str:
    """Return the number of a ticket of a year, to be read out. No two tickets have the same ``count``."""
    return f"T-{year}-{count:06}"
