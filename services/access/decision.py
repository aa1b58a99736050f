"""The decision: the organisations and sites that a caller reaches today.

``visible`` is the condition on rows that are found by their ids ($1 caller, $2 day); lists begin from the caller's
grants (``reach``). ``authorization`` checks the things that a call is about. Nothing is kept in memory.
"""

import datetime as dt
import uuid
from collections.abc import Collection

from services.access.caller import Caller
from services.chassis.db.postgres import DatabaseConnection

GRANT_HOLDS_TODAY = "(g.until IS NULL OR g.until >= $2)"
"""The condition that a grant (``g``) holds on the day."""

BILLING_ANYWHERE = f"""
    SELECT EXISTS (SELECT FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY} AND g.billing)
"""
"""The query for whether the caller may see prices of any organisation or site: prices that are the same for all."""


def visible(organisation: str, site: str | None = None, also: str = "") -> str:
    """Return the condition that the caller reaches, on the day, the row with these columns.

    For rows that are found by their ids: each is checked against the grants by an index. ``also`` is a further
    condition on the grant (``g``).
    """
    base = f"SELECT FROM access.grants g WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}{also}"
    of_organisation = f"{base} AND g.organisation_id = {organisation}"
    conditions = [f"{base} AND g.organisation_id IS NULL"]
    if site is None:
        conditions.append(of_organisation)
    else:
        conditions += [f"{of_organisation} AND g.site_id IS NULL", f"{of_organisation} AND g.site_id = {site}"]
    return f"({' OR '.join(f'EXISTS ({condition})' for condition in conditions)})"


def billing(organisation: str, site: str) -> str:
    """Return the condition that the caller may, on the day, see prices of the row with these columns."""
    return visible(organisation, site, also=" AND g.billing")


_UNREACHED = f"SELECT requested FROM unnest($3::uuid[]) AS requested WHERE NOT {visible('requested')}"


async def unreached_organisations(
    connection: DatabaseConnection, caller: Caller, day: dt.date, organisations: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Return those of these organisations of which the caller reaches nothing."""
    rows = await connection.fetch(_UNREACHED, caller.subject_id, day, organisations)
    return {row["requested"] for row in rows}
