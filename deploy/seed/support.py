"""Support's rows: tickets with their numbers, and the copy of sites."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.tables import TableRows
from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.ticket import TicketRecord, ticket_number

_LAST = "SELECT year, last FROM ticket_numbers"
_SAVE = """
    INSERT INTO ticket_numbers (year, last) VALUES ($1, $2) ON CONFLICT (year) DO UPDATE SET last = excluded.last
"""


class TicketNumbers:
    """Numbers tickets year by year, on from those that were given before."""

    def __init__(self, zone: dt.tzinfo) -> None:
        self._zone = zone
        self._last = Counter[int]()

    async def load(self, connection: DatabaseConnection) -> None:
        """Go on where the service stands. No number is given elsewhere until the transaction ends."""
        await connection.execute("LOCK TABLE ticket_numbers IN EXCLUSIVE MODE")
        self._last.update({row["year"]: row["last"] for row in await connection.fetch(_LAST)})

    async def save(self, connection: DatabaseConnection) -> None:
        """Have the service go on behind the numbers that were given."""
        await connection.executemany(_SAVE, list(self._last.items()))

    def next_for(self, ticket: TicketRecord) -> str:
        """Return the number of the ticket that was opened next."""
        year = ticket.opened_at.astimezone(self._zone).year
        self._last[year] += 1
        return ticket_number(year, self._last[year])


def rows_of_tickets(histories: Sequence[SiteHistory], numbers: TicketNumbers) -> list[TableRows]:
    """Return the rows of tickets and of the copy of sites."""
    tickets = sorted((one for history in histories for one in history.tickets), key=lambda one: one.opened_at)
    return [
        TableRows(
            "sites",
            "id organisation_id site_number version",
            [
                (one.site.id, one.site.facts.organisation_id, one.site.facts.site_number, one.site.version)
                for one in histories
            ],
        ),
        TableRows(
            "tickets",
            "id number organisation_id site_id site_number user_id topic state message contact_preference phone"
            " opened_at version",
            [
                (
                    one.id,
                    numbers.next_for(one),
                    one.organisation_id,
                    one.site_id,
                    one.site_number,
                    one.user_id,
                    one.topic.value,
                    one.state.value,
                    one.message,
                    one.contact_preference.value,
                    one.phone,
                    one.opened_at,
                    one.version,
                )
                for one in tickets
            ],
        ),
    ]
