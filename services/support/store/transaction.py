"""A transaction on support's own data: what the use cases' port asks for, in SQL."""

import datetime as dt
import uuid

from services.access.caller import Caller
from services.access.decision import effective_permissions
from services.chassis.db.postgres import Row
from services.chassis.events.transaction import Transaction
from services.contracts.support import ContactPreference, TicketState, Topic
from services.support.domain.ticket import SiteCopy, TicketRecord
from services.support.usecases.ports import DueReceipt

_UPSERT_SITE = """
    INSERT INTO sites (id, organisation_id, site_number, version) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE
    SET organisation_id = excluded.organisation_id, site_number = excluded.site_number, version = excluded.version,
        doubted = false
    WHERE sites.version < excluded.version OR sites.doubted
"""
_SITE = "SELECT id, organisation_id, site_number FROM sites WHERE id = $1"
_ACCESS_COVERS_SITE = """
    SELECT EXISTS (SELECT 1 FROM access.grants
                   WHERE subject_id = $1 AND (until IS NULL OR until >= $2)
                     AND (site_id IS NULL OR site_id = $3))
"""
# Tickets of a year are numbered one after the other: the row is locked until the transaction, a short one, ends.
_NEXT_NUMBER = """
    INSERT INTO ticket_numbers (year, last) VALUES ($1, 1)
    ON CONFLICT (year) DO UPDATE SET last = ticket_numbers.last + 1 RETURNING last
"""
TICKET_COLUMNS = """
    t.id, t.number, t.organisation_id, t.site_id, t.site_number, t.user_id, t.topic, t.state, t.message,
    t.contact_preference, t.phone, t.opened_at, t.version
"""
_ADD_TICKET = """
    INSERT INTO tickets (id, number, organisation_id, site_id, site_number, user_id, topic, state, message,
                         contact_preference, phone, opened_at, version)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_NEWEST = """
    SELECT opened_at FROM tickets WHERE {owner} = $1 AND opened_at > $3 ORDER BY opened_at DESC OFFSET $2 - 1 LIMIT 1
"""
_NEWEST_OF_USER, _NEWEST_OF_ORGANISATION = _NEWEST.format(owner="user_id"), _NEWEST.format(owner="organisation_id")
_ADD_RECEIPT = "INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)"
_TICKET = f"SELECT {TICKET_COLUMNS} FROM tickets t WHERE t.id = $1"
_CLAIM_RECEIPT = """
    UPDATE receipts SET attempts = attempts + 1, next_try = clock_timestamp() + make_interval(secs => $1)
    WHERE ticket_id = (SELECT ticket_id FROM receipts WHERE next_try <= clock_timestamp()
                       ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING ticket_id, user_id, attempts
"""
_POSTPONE_RECEIPT = """
    UPDATE receipts SET next_try = clock_timestamp() + make_interval(secs => $2) WHERE ticket_id = $1
"""
_DELETE_RECEIPT = "DELETE FROM receipts WHERE ticket_id = $1 RETURNING true"


class SupportTransaction(Transaction):
    """Implements ``usecases.ports.SupportStore``."""

    async def upsert_site(self, site: SiteCopy, version: int) -> None:
        await self.connection.execute(_UPSERT_SITE, site.id, site.organisation_id, site.site_number, version)

    async def site(self, site_id: uuid.UUID) -> SiteCopy | None:
        row = await self.connection.fetchrow(_SITE, site_id)
        return SiteCopy(**dict(row)) if row else None

    async def reaches(self, caller: Caller, site: SiteCopy) -> bool:
        return (
            await effective_permissions(self.connection, caller, self.today, site.organisation_id, site.id) is not None
        )

    async def access_covers_site(self, caller: Caller, site_id: uuid.UUID) -> bool:
        return bool(await self.connection.fetchval(_ACCESS_COVERS_SITE, caller.subject_id, self.today, site_id))

    async def next_number(self, year: int) -> int:
        return int(await self.connection.fetchval(_NEXT_NUMBER, year))

    async def nth_newest_of_user(self, user_id: uuid.UUID, place: int, since: dt.datetime) -> dt.datetime | None:
        found: dt.datetime | None = await self.connection.fetchval(_NEWEST_OF_USER, user_id, place, since)
        return found

    async def nth_newest_of_organisation(
        self, organisation_id: uuid.UUID, place: int, since: dt.datetime
    ) -> dt.datetime | None:
        found: dt.datetime | None = await self.connection.fetchval(
            _NEWEST_OF_ORGANISATION, organisation_id, place, since
        )
        return found

    async def add_ticket(self, ticket: TicketRecord) -> None:
        await self.connection.execute(
            _ADD_TICKET,
            ticket.id,
            ticket.number,
            ticket.organisation_id,
            ticket.site_id,
            ticket.site_number,
            ticket.user_id,
            ticket.topic.value,
            ticket.state.value,
            ticket.message,
            ticket.contact_preference.value,
            ticket.phone,
            ticket.opened_at,
            ticket.version,
        )
        await self.connection.execute(_ADD_RECEIPT, ticket.id, ticket.user_id)

    async def ticket(self, ticket_id: uuid.UUID) -> TicketRecord:
        row = await self.connection.fetchrow(_TICKET, ticket_id)
        assert row is not None, "a receipt refers to its ticket"
        return to_ticket(row)

    async def claim_receipt(self, seconds: int) -> DueReceipt | None:
        row = await self.connection.fetchrow(_CLAIM_RECEIPT, seconds)
        return DueReceipt(**dict(row)) if row else None

    async def postpone_receipt(self, ticket_id: uuid.UUID, seconds: int) -> None:
        await self.connection.execute(_POSTPONE_RECEIPT, ticket_id, seconds)

    async def complete_receipt(self, ticket_id: uuid.UUID) -> bool:
        return bool(await self.connection.fetchval(_DELETE_RECEIPT, ticket_id))


def to_ticket(row: Row) -> TicketRecord:
    """A ticket from a row of TICKET_COLUMNS."""
    columns = dict(row)
    columns["topic"] = Topic(columns["topic"])
    columns["state"] = TicketState(columns["state"])
    columns["contact_preference"] = ContactPreference(columns["contact_preference"])
    return TicketRecord(**columns)
