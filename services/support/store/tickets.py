"""Tickets, their numbers and the contacts of their senders in PostgreSQL."""

import datetime as dt
import uuid

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.rows import from_row, to_row
from services.support.domain.ticket import SenderContact, TicketRecord
from services.support.domain.ticket_state import REOPENING_PERIOD

_NEXT_NUMBER = "SELECT nextval('ticket_numbers')"
# The user first, then the organisation: so no two transactions wait for each other.
_LOCK_LIMIT = "SELECT pg_advisory_xact_lock(hashtextextended('support.message_limits ' || $1, 0))"
TICKET_COLUMNS = """
    t.id, t.number, t.organisation_id, t.site_id, t.site_number, t.user_id, t.topic, t.channel, t.state,
    t.contact_preference, t.pickup_id, t.order_id, t.agreement_id, t.assigned_to, t.opened_at, t.updated_at,
    t.settled_at, t.version
"""
_ADD = """
    INSERT INTO tickets (id, number, organisation_id, site_id, site_number, user_id, topic, channel, state,
                         contact_preference, pickup_id, order_id, agreement_id, assigned_to, opened_at, updated_at,
                         settled_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""
_SAVE = """
    UPDATE tickets
    SET state = $2, assigned_to = $3, updated_at = $4, settled_at = $5, version = $6, organisation_id = $7,
        site_id = $8, site_number = $9, pickup_id = $10, order_id = $11, agreement_id = $12
    WHERE id = $1
"""
_NEWEST = """
    SELECT opened_at FROM tickets WHERE {owner} = $1 AND opened_at > $3 ORDER BY opened_at DESC OFFSET $2 - 1 LIMIT 1
"""
_NEWEST_OF_USER, _NEWEST_OF_ORGANISATION = _NEWEST.format(owner="user_id"), _NEWEST.format(owner="organisation_id")
_BY_ID = f"SELECT {TICKET_COLUMNS} FROM tickets t WHERE t.id = $1"
_LOCK_BY_ID = f"{_BY_ID} FOR UPDATE"
SOLVED_TICKETS = f"""
    SELECT id FROM tickets
    WHERE state = 'SOLVED' AND settled_at < $1::timestamptz - interval '{REOPENING_PERIOD.total_seconds()} seconds'
    ORDER BY settled_at LIMIT $2
"""
"""The query of the schedule for the solved tickets that can't be reopened any more."""
_ADD_CONTACT = """
    INSERT INTO ticket_contacts (ticket_id, name, email, phone, address, customer_number, identified_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_CONTACT = """
    SELECT ticket_id, name, email, phone, address, customer_number, identified_by
    FROM ticket_contacts WHERE ticket_id = $1
"""


class PostgresTicketRepository:
    """Implements ``usecases.ports.tickets.TicketRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def next_number(self) -> int:
        return int(await self._connection.fetchval(_NEXT_NUMBER))

    async def lock_limits(self, *limited: str) -> None:
        for one in limited:
            await self._connection.execute(_LOCK_LIMIT, one)

    async def nth_newest_of_user(self, user_id: uuid.UUID, n: int, since: dt.datetime) -> dt.datetime | None:
        opened_at: dt.datetime | None = await self._connection.fetchval(_NEWEST_OF_USER, user_id, n, since)
        return opened_at

    async def nth_newest_of_organisation(
        self, organisation_id: uuid.UUID, n: int, since: dt.datetime
    ) -> dt.datetime | None:
        opened_at: dt.datetime | None = await self._connection.fetchval(
            _NEWEST_OF_ORGANISATION, organisation_id, n, since
        )
        return opened_at

    async def add(self, ticket: TicketRecord) -> None:
        await self._connection.execute(_ADD, *to_row(ticket))

    async def save(self, ticket: TicketRecord) -> None:
        await self._connection.execute(
            _SAVE,
            ticket.id,
            ticket.state.value,
            ticket.assigned_to,
            ticket.updated_at,
            ticket.settled_at,
            ticket.version,
            ticket.organisation_id,
            ticket.site_id,
            ticket.site_number,
            ticket.pickup_id,
            ticket.order_id,
            ticket.agreement_id,
        )

    async def by_id(self, ticket_id: uuid.UUID) -> TicketRecord | None:
        row = await self._connection.fetchrow(_BY_ID, ticket_id)
        return to_ticket(row) if row else None

    async def lock_by_id(self, ticket_id: uuid.UUID) -> TicketRecord | None:
        row = await self._connection.fetchrow(_LOCK_BY_ID, ticket_id)
        return to_ticket(row) if row else None

    async def add_contact(self, contact: SenderContact) -> None:
        await self._connection.execute(_ADD_CONTACT, *to_row(contact))

    async def contact(self, ticket_id: uuid.UUID) -> SenderContact | None:
        row = await self._connection.fetchrow(_CONTACT, ticket_id)
        return from_row(SenderContact, row) if row else None


def to_ticket(row: Row) -> TicketRecord:
    """Return the ticket of a row with ``TICKET_COLUMNS``."""
    return from_row(TicketRecord, row)
