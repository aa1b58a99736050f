"""Counts of attempts, in SQL."""

import datetime as dt
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.identity.domain.attempts import AttemptCount, AttemptCounter, Scope

# Every transaction locks rows in one order, the scope, then the key: no two wait for each other.
_LOCK = """
    INSERT INTO attempts (scope, key, count, since)
    SELECT scope, key, 0, $3 FROM unnest($1::text[], $2::bytea[]) AS u (scope, key) ORDER BY scope, key
    ON CONFLICT (scope, key) DO UPDATE SET count = attempts.count
    RETURNING scope, key, count, since, tried_by, kept_for
"""
_SAVE = "UPDATE attempts SET count = $3, since = $4, tried_by = $5, kept_for = $6 WHERE scope = $1 AND key = $2"
_DECREMENT = "UPDATE attempts SET count = count - 1 WHERE scope = $1 AND key = $2 AND count > 0"
_DELETE = "DELETE FROM attempts WHERE scope = $1 AND key = $2"


class PostgresAttemptRepository:
    """Implements ``usecases.ports.attempts.AttemptRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def lock(self, counters: Sequence[AttemptCounter], now: dt.datetime) -> dict[AttemptCounter, AttemptCount]:
        rows = await self._connection.fetch(
            _LOCK, [counter.scope.value for counter in counters], [counter.key for counter in counters], now
        )
        counts = [
            AttemptCount(
                counter=AttemptCounter(Scope(row["scope"]), row["key"]),
                count=row["count"],
                since=row["since"],
                admitted_from=row["tried_by"],
                reserved_for=row["kept_for"],
            )
            for row in rows
        ]
        return {count.counter: count for count in counts}

    async def save(self, counts: Sequence[AttemptCount]) -> None:
        await self._connection.executemany(
            _SAVE,
            [
                (one.counter.scope.value, one.counter.key, one.count, one.since, one.admitted_from, one.reserved_for)
                for one in counts
            ],
        )

    async def refund(self, counters: Sequence[AttemptCounter]) -> None:
        for counter in sorted(counters, key=lambda one: (one.scope.value, one.key)):
            statement = _DECREMENT if counter.scope is Scope.ADDRESS else _DELETE
            await self._connection.execute(statement, counter.scope.value, counter.key)
