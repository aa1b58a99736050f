"""A ticket with its thread, and the number by which people name it."""

import datetime as dt
import uuid

import msgspec

from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import Channel, ContactPreference, TicketState
from services.contracts.ticket_requests import Topic

_NAMESPACE = uuid.UUID("f2b1f0c8-5b0e-4f0c-9c55-6a8b7d0f4a11")


class SiteCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy of a site."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    site_number: str


class TicketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as it is stored. Its first message is the entry with the same id."""

    id: uuid.UUID
    number: str
    organisation_id: uuid.UUID | None
    site_id: uuid.UUID | None
    site_number: str
    """The site's number when the ticket got its site; empty without one."""
    user_id: uuid.UUID | None
    """The user who opened it, a customer or one of the staff; None for a public form, and for Kierto itself."""
    topic: Topic
    channel: Channel
    state: TicketState
    contact_preference: ContactPreference
    pickup_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    agreement_id: uuid.UUID | None = None
    assigned_to: uuid.UUID | None = None
    """The employee who works on it."""
    opened_at: dt.datetime
    updated_at: dt.datetime
    """The time of the last change that customers see."""
    settled_at: dt.datetime | None = None
    """The time at which it was solved or closed; None while it is open."""
    version: int


class EntryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a thread as it is stored."""

    id: uuid.UUID
    ticket_id: uuid.UUID
    kind: EntryKind
    channel: Channel
    author_id: uuid.UUID | None
    """The user who wrote it; None for a public form, and for Kierto itself."""
    text: str
    at: dt.datetime
    file_ids: list[uuid.UUID] = []
    """The files that came with it."""


class SenderContact(msgspec.Struct, frozen=True, kw_only=True):
    """The contact that a ticket itself has of its sender: personal data, kept apart and read by need."""

    ticket_id: uuid.UUID
    name: str = ""
    email: str | None = None
    phone: str | None = None
    address: str = ""
    """The place in the sender's words."""
    customer_number: str = ""
    """The customer number as the sender gave it, unchecked."""
    identified_by: str = ""
    """The way in which the staff identified a caller."""


def requested_ticket_id(service: str, cause: str) -> uuid.UUID:
    """Return the id of the ticket of a cause for which a service asks: the same one whenever it asks."""
    return uuid.uuid5(_NAMESPACE, f"{service} {cause}")


def ticket_number(year: int, count: int) -> str:
    """Return the number of a ticket of a year, to be read out. No two tickets have the same ``count``."""
    return f"T-{year}-{count:06}"
