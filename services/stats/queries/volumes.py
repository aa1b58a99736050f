"""Volumes, with the caller's access joined in SQL ($1 caller, $2 day)."""

import datetime as dt
from collections import defaultdict

from services.access.caller import Caller
from services.access.decision import visible
from services.access.listing import id_restrictions
from services.access.reach import ScopedTable, reached_rows_query
from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.db.query import SqlQuery
from services.chassis.ids import write_optional_id
from services.contracts.sites import Fraction
from services.contracts.stats import Period, Volume, VolumeFilter, Volumes, VolumeStep
from services.stats.domain.date_range import DateRange
from services.stats.domain.steps import steps_of

_TABLE = ScopedTable(name="volumes v", organisation="v.organisation_id", site="v.site_id")


async def volumes(
    connection: DatabaseConnection,
    caller: Caller,
    day: dt.date,
    days: DateRange,
    period: Period,
    asked: VolumeFilter,
) -> Volumes:
    """Return the volumes of a range of days, on the sites that the caller reaches.

    A malformed id selects nothing.
    """
    query = SqlQuery(caller.subject_id, day)
    restrictions = id_restrictions(
        ("v.site_id", "site", asked.site_ids), ("v.organisation_id", "org", asked.organisation_ids)
    )
    for restriction in restrictions:
        query.where(restriction.condition("{}"), restriction.values)
    if asked.fractions is not None:
        query.where("v.fraction = ANY ({}::text[])", [fraction.value for fraction in asked.fractions])
    where, values = query.condition, query.values
    since, until, unit = (f"${len(values) + place}" for place in (1, 2, 3))

    def select(within: str) -> str:
        # Indexes find the rows of given places; without a filter the rows are found from the grants.
        if restrictions:
            return (
                f"SELECT v.* FROM volumes v WHERE {visible(_TABLE.organisation, _TABLE.site)} AND {where} AND {within}"
            )
        return reached_rows_query(_TABLE, "v.*", where=where, within=within)

    # date_trunc starts a week on Monday, as ISO 8601 does.
    sums = await connection.fetch(
        f"""
        SELECT date_trunc({unit}, v.day::timestamp)::date AS start, v.fraction, v.article_id,
               sum(v.grams)::bigint AS grams, sum(v.pickups)::bigint AS pickups
        FROM ({select(f"v.day BETWEEN {since} AND {until}")}) AS v
        GROUP BY 1, 2, 3 HAVING sum(v.pickups) > 0 ORDER BY 1, 2, 3
        """,
        *values,
        days.since,
        days.until,
        period.value.lower(),
    )
    before = select(f"v.day >= {since} AND v.day < {until}")
    grams_before = await connection.fetchval(
        f"SELECT coalesce(sum(v.grams), 0)::bigint FROM ({before}) AS v", *values, days.previous_since, days.since
    )
    rows = defaultdict[dt.date, list[Volume]](list)
    for row in sums:
        rows[row["start"]].append(_to_volume(row))
    return Volumes(
        steps=[
            VolumeStep(
                start=step.start,
                end=step.end,
                partial=step.is_partial(days, day),
                grams=sum(row.grams for row in rows[step.start]),
                pickups=sum(row.pickups for row in rows[step.start]),
                rows=rows[step.start],
            )
            for step in steps_of(days, period)
        ],
        grams=sum(row["grams"] for row in sums),
        pickups=sum(row["pickups"] for row in sums),
        previous_grams=grams_before,
    )


def _to_volume(row: Row) -> Volume:
    return Volume(
        fraction=Fraction(row["fraction"]) if row["fraction"] else None,
        article_id=write_optional_id("article", row["article_id"]),
        grams=row["grams"],
        pickups=row["pickups"],
    )
