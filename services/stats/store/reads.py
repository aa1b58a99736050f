"""What is read of stats, each with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import organisations, visible
from services.chassis.ids import find_id, write_id
from services.chassis.postgres import Connection
from services.chassis.query import Query
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volume, Volumes
from services.contracts.values import Id
from services.stats.domain.span import Span

_VISIBLE = visible("v.organisation_id", "v.site_id")


async def volumes(
    connection: Connection,
    caller: Caller,
    day: dt.date,
    span: Span,
    period: Period,
    organisation_id: Id | None,
    site_ids: Sequence[Id] | None,
    fractions: Sequence[Fraction] | None,
) -> Volumes:
    """What was collected in a span of days, on the sites that the caller reaches.

    A step's ``start`` is the first day of its period, also where the span begins within it. None chooses all; an empty
    list, like an id that is none, chooses nothing.
    """
    query = Query(caller.subject_id, day)
    # The organisations of the grants, or the one that is asked for, let the index find the rows. What of these the
    # caller may see is for the grants alone to say.
    if organisation_id is not None:
        query.where("v.organisation_id = {}", find_id("org", organisation_id))
    elif (reached := await organisations(connection, caller, day)) is not None:
        query.where("v.organisation_id = ANY ({}::uuid[])", reached)
    if site_ids is not None:
        query.where("v.site_id = ANY ({}::uuid[])", [find_id("site", text) for text in site_ids])
    if fractions is not None:
        query.where("v.fraction = ANY ({}::text[])", [fraction.value for fraction in fractions])
    chosen = f"FROM volumes v WHERE {_VISIBLE} AND {query.condition}"
    values = query.values
    since, until, step = (f"${len(values) + place}" for place in (1, 2, 3))
    # date_trunc begins a week on Monday, as ISO 8601 does.
    found = await connection.fetch(
        f"""
        SELECT date_trunc({step}, v.day::timestamp)::date AS start, v.fraction, v.article_id,
               sum(v.grams)::bigint AS grams, sum(v.pickups)::bigint AS pickups
        {chosen} AND v.day BETWEEN {since} AND {until}
        GROUP BY 1, 2, 3 HAVING sum(v.pickups) > 0 ORDER BY 1, 2, 3
        """,
        *values,
        span.since,
        span.until,
        period.value.lower(),
    )
    grams_before = await connection.fetchval(
        f"SELECT coalesce(sum(v.grams), 0)::bigint {chosen} AND v.day >= {since} AND v.day < {until}",
        *values,
        span.since_before,
        span.since,
    )
    rows = [
        Volume(
            start=row["start"],
            fraction=Fraction(row["fraction"]),
            article_id=write_id("article", row["article_id"]),
            grams=row["grams"],
            pickups=row["pickups"],
        )
        for row in found
    ]
    return Volumes(
        rows=rows,
        grams=sum(row.grams for row in rows),
        pickups=sum(row.pickups for row in rows),
        previous_grams=grams_before,
    )
