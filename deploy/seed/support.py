"""Support's rows: tickets with their numbers and first messages, and the copy of sites."""

import datetime as dt
from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.tables import TableRows, next_numbers
from services.chassis.db.postgres import DatabaseConnection
from services.contracts.support.thread import EntryKind
from services.support.domain.ticket import ticket_number

_MESSAGE = "Astia jäi tyhjentämättä."


async def rows_of_tickets(
    histories: Sequence[SiteHistory], support: DatabaseConnection, zone: dt.tzinfo
) -> list[TableRows]:
    """Return the rows of tickets, with the service's next numbers, and of the copy of sites."""
    tickets = sorted((one for history in histories for one in history.tickets), key=lambda one: one.opened_at)
    counts = await next_numbers(support, "ticket_numbers", len(tickets))
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
            "id number organisation_id site_id site_number user_id topic channel state contact_preference opened_at"
            " updated_at settled_at version",
            [
                (
                    one.id,
                    ticket_number(one.opened_at.astimezone(zone).year, count),
                    one.organisation_id,
                    one.site_id,
                    one.site_number,
                    one.user_id,
                    one.topic.value,
                    one.channel.value,
                    one.state.value,
                    one.contact_preference.value,
                    one.opened_at,
                    one.updated_at,
                    one.settled_at,
                    one.version,
                )
                for one, count in zip(tickets, counts, strict=True)
            ],
        ),
        TableRows(
            "ticket_entries",
            "id ticket_id kind channel author_id text at",
            [
                (one.id, one.id, EntryKind.MESSAGE.value, one.channel.value, one.user_id, _MESSAGE, one.opened_at)
                for one in tickets
            ],
        ),
    ]
