"""What is read of stats, each with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
from collections.abc import Sequence

from services.access.caller import Caller
from services.access.decision import organisations, visible
from services.chassis.ids import find_id, write_id
from services.chassis.postgres import Connection
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volume, Volumes
from services.contracts.values import Id
from services.stats.domain.span import Span

# The organisations ($3) are those of the grants, or the one that is asked for among them: they let the index find the
# rows. What the caller may see of them is for the grants alone to say.
_FOUND = f"""
    FROM volumes v WHERE {visible("v.organisation_id", "v.site_id")}
      AND ($3::uuid[] IS NULL OR v.organisation_id = ANY ($3))
      AND ($4::uuid[] IS NULL OR v.site_id = ANY ($4))
      AND ($5::text[] IS NULL OR v.fraction = ANY ($5))
"""
# date_trunc begins a week on Monday, as ISO 8601 does.
_VOLUMES = f"""
    SELECT date_trunc($8, v.day::timestamp)::date AS start, v.fraction, v.article_id,
           sum(v.grams)::bigint AS grams, sum(v.pickups)::bigint AS pickups
    {_FOUND} AND v.day BETWEEN $6 AND $7
    GROUP BY 1, 2, 3 HAVING sum(v.pickups) > 0 ORDER BY 1, 2, 3
"""
_GRAMS = f"SELECT coalesce(sum(v.grams), 0)::bigint {_FOUND} AND v.day >= $6 AND v.day < $7"


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
    chosen = (
        caller.subject_id,
        day,
        [find_id("org", organisation_id)]
        if organisation_id is not None
        else await organisations(connection, caller, day),
        [find_id("site", text) for text in site_ids] if site_ids is not None else None,
        [fraction.value for fraction in fractions] if fractions is not None else None,
    )
    found = await connection.fetch(_VOLUMES, *chosen, span.since, span.until, period.value.lower())
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
        previous_grams=await connection.fetchval(_GRAMS, *chosen, span.since_before, span.since),
    )
