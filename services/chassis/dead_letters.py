"""Dead letters: events that failed by themselves, what waits behind them, and what this build does not know.

A row keeps the record whole. Later events of the same subject wait behind a failed one, so that a replay happens in
order; all others go on.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from services.chassis import metrics
from services.chassis.envelope import Raw
from services.chassis.postgres import Connection, Row

State = Literal["FAILED", "WAITING", "PARKED"]

_SET_ASIDE = """
    INSERT INTO chassis.dead_letters
        (state, topic, partition, "offset", event_id, type, subject, key, headers, value, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (topic, event_id) DO NOTHING
"""
_BLOCKED = """
    SELECT DISTINCT topic, subject FROM chassis.dead_letters
    WHERE state IN ('FAILED', 'WAITING') AND subject <> '' AND subject = ANY ($1)
"""
_LIST = """
    SELECT id, state, topic, partition, "offset", event_id, type, subject, key, headers, value, reason, set_aside
    FROM chassis.dead_letters WHERE $1::bigint[] IS NULL OR id = ANY ($1) ORDER BY id
"""
_SUBJECT = """
    SELECT id, state, topic, partition, "offset", event_id, type, subject, key, headers, value, reason, set_aside
    FROM chassis.dead_letters WHERE topic = $1 AND (id = $3 OR (subject = $2 AND subject <> '')) ORDER BY id FOR UPDATE
"""
_DONE = "DELETE FROM chassis.dead_letters WHERE id = $1"


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that was set aside, and why."""

    id: int
    state: State
    record: Raw
    reason: str
    set_aside: str


async def set_aside(connection: Connection, record: Raw, state: State, reason: str) -> None:
    """Keep a record for later; one that is kept already stays as it is."""
    await connection.execute(
        _SET_ASIDE,
        state,
        record.topic,
        record.partition,
        record.offset,
        record.event_id,
        record.type,
        record.subject,
        record.key,
        msgspec.json.encode(dict(record.headers)).decode(),
        record.value,
        reason[:2000],
    )
    metrics.EVENTS_SET_ASIDE.labels(state).inc()


async def blocked(connection: Connection, subjects: Sequence[str]) -> set[tuple[str, str]]:
    """Which of these subjects have an event that failed: (topic, subject)."""
    rows = await connection.fetch(_BLOCKED, list(subjects))
    return {(row["topic"], row["subject"]) for row in rows}


async def dead_letters(connection: Connection, ids: Sequence[int] | None = None) -> list[DeadLetter]:
    """The dead letters with these ids, or all, in the order in which they came."""
    return [_of(row) for row in await connection.fetch(_LIST, ids)]


async def replay(connection: Connection, letter: DeadLetter, handle: Callable[[Raw], Awaitable[None]]) -> int:
    """Handle a dead letter and all that waits behind it, in order, in the present transaction; how many.

    Whatever fails raises, and the transaction with all of them stays undone.
    """
    rows = await connection.fetch(_SUBJECT, letter.record.topic, letter.record.subject, letter.id)
    for row in rows:
        await handle(_of(row).record)
        await connection.execute(_DONE, row["id"])
    return len(rows)


def _of(row: Row) -> DeadLetter:
    record = Raw(
        row["topic"],
        row["partition"],
        row["offset"],
        row["key"],
        row["value"],
        msgspec.json.decode(row["headers"], type=dict[str, str]),
    )
    return DeadLetter(row["id"], row["state"], record, row["reason"], row["set_aside"].isoformat())
