"""Support's rows: tickets with their numbers, and the copy of sites."""

import datetime as dt
from collections.abc import Sequence

from deploy.seed.history import SiteHistory
from deploy.seed.tables import TableRows, next_numbers
from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.ticket import ticket_number


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
            "id number organisation_id site_id site_number user_id topic state message contact_preference phone"
            " opened_at version",
            [
                (
                    one.id,
                    ticket_number(one.opened_at.astimezone(zone).year, count),
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
                for one, count in zip(tickets, counts, strict=True)
            ],
        ),
    ]
