"""Dead letters: events that failed by themselves, what waits behind them, and what this build does not know.

A row keeps the record whole. Later events of the same subject wait behind a failed one, so that a replay happens in
order; all others go on. A parked one holds up nothing until a build knows its type.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.events.envelope import RawRecord, raw_record, replace_nul
from services.chassis.telemetry import metrics
from services.contracts.declare import known_events

DeadLetterState = Literal["FAILED", "WAITING", "PARKED"]
DEAD_LETTER_STATES: tuple[DeadLetterState, ...] = ("FAILED", "WAITING", "PARKED")

_INSERT = """
    INSERT INTO chassis.dead_letters
        (state, topic, partition, "offset", timestamp_ms, event_id, type, subject, key, headers, value, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (topic, event_id) DO NOTHING RETURNING true
"""
_ANY_EXIST = "SELECT EXISTS (SELECT FROM chassis.dead_letters)"
_QUARANTINED_EVENTS = """
    SELECT topic, event_id FROM unnest($1::text[], $2::text[]) AS r (topic, event_id)
    JOIN chassis.dead_letters USING (topic, event_id)
"""
_BLOCKED_SUBJECTS = """
    SELECT topic, subject FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS r (topic, subject)
    WHERE subject <> '' AND EXISTS (
        SELECT FROM chassis.dead_letters l WHERE l.topic = r.topic AND l.subject = r.subject AND l.state <> 'PARKED'
    )
    ORDER BY topic, subject
"""
_LOCK_SUBJECTS = """
    SELECT pg_advisory_xact_lock(hashtextextended(topic || ' ' || subject, 0))
    FROM unnest($1::text[], $2::text[]) AS r (topic, subject)
"""
_COLUMNS = """
    id, state, topic, partition, "offset", timestamp_ms, event_id, type, subject, key, headers, value, reason, set_aside
"""
_PAGE = f"""
    SELECT {_COLUMNS} FROM chassis.dead_letters
    WHERE id > $1 AND state = ANY ($2) AND ($3::text[] IS NULL OR type = ANY ($3)) ORDER BY id LIMIT $4
"""
_GET = f"SELECT {_COLUMNS} FROM chassis.dead_letters WHERE id = $1"
_NEXT_TO_REPLAY = f"""
    SELECT {_COLUMNS} FROM chassis.dead_letters
    WHERE topic = $1 AND (id = $3 OR (subject = $2 AND subject <> '')) AND (state <> 'PARKED' OR type = ANY ($4))
    ORDER BY id LIMIT 1
"""
_COUNTS = "SELECT state, count(*) AS letters FROM chassis.dead_letters GROUP BY state"
_DELETE = "DELETE FROM chassis.dead_letters WHERE id = $1 RETURNING true"
_UPDATE_FAILED = "UPDATE chassis.dead_letters SET state = 'FAILED', reason = $2 WHERE id = $1"

_MAX_REASON_LENGTH = 2000


class DeadLetter(msgspec.Struct, frozen=True):
    """An event that was set aside, and why."""

    id: int
    state: DeadLetterState
    record: RawRecord
    reason: str
    created_at: str


class Quarantine(msgspec.Struct, frozen=True):
    """What of a batch is aside already: its events (topic, event id) and the subjects (topic, subject) that wait."""

    events: set[tuple[str, str]]
    subjects: set[tuple[str, str]]


async def add(connection: DatabaseConnection, record: RawRecord, state: DeadLetterState, reason: str) -> None:
    """Keep a record for later; one that is kept already stays as it is."""
    kept = await connection.fetchval(
        _INSERT,
        state,
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.event_id,
        record.type[:200],
        record.subject[:200],
        record.key,
        msgspec.json.encode({replace_nul(name): replace_nul(text) for name, text in record.headers.items()}).decode(),
        record.value,
        replace_nul(reason[:_MAX_REASON_LENGTH]),
    )
    if kept:
        metrics.EVENTS_DEAD_LETTERED.labels(state).inc()


async def load_quarantine(connection: DatabaseConnection, batch: Sequence[RawRecord]) -> Quarantine:
    """What of these records is aside already. No replay of their subjects happens until this transaction ends."""
    if not await connection.fetchval(_ANY_EXIST):
        return Quarantine(set(), set())
    topics, subjects = [record.topic for record in batch], [record.subject for record in batch]
    blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects)
    if blocked:
        # A replay that is under way may take the last one away just now: what waits behind nothing would wait for ever.
        await connection.execute(_LOCK_SUBJECTS, [row["topic"] for row in blocked], [row["subject"] for row in blocked])
        blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects)
    there = await connection.fetch(_QUARANTINED_EVENTS, topics, [record.event_id for record in batch])
    return Quarantine(
        {(row["topic"], row["event_id"]) for row in there}, {(row["topic"], row["subject"]) for row in blocked}
    )


async def page(
    connection: DatabaseConnection,
    after: int,
    first: int,
    states: Sequence[DeadLetterState] = DEAD_LETTER_STATES,
    *,
    known: bool = False,
) -> list[DeadLetter]:
    """Up to ``first`` dead letters behind the id ``after``, in the order in which they came.

    ``states``: only those; ``known``: only of types that this build knows.
    """
    rows = await connection.fetch(_PAGE, after, list(states), known_events() if known else None, first)
    return [_dead_letter(row) for row in rows]


async def get(connection: DatabaseConnection, id: int) -> DeadLetter | None:
    """The dead letter with this id."""
    row = await connection.fetchrow(_GET, id)
    return _dead_letter(row) if row is not None else None


async def next_to_replay(connection: DatabaseConnection, letter: DeadLetter) -> DeadLetter | None:
    """The first of all that must be replayed, in order, for this one to be: those of its subject."""
    record = letter.record
    row = await connection.fetchrow(_NEXT_TO_REPLAY, record.topic, record.subject, letter.id, known_events())
    return _dead_letter(row) if row is not None else None


async def count_by_state(connection: DatabaseConnection) -> dict[DeadLetterState, int]:
    """How many there are in each state."""
    found = {row["state"]: row["letters"] for row in await connection.fetch(_COUNTS)}
    return {state: found.get(state, 0) for state in DEAD_LETTER_STATES}


async def lock_subject(connection: DatabaseConnection, letter: DeadLetter) -> None:
    """Have no worker set aside or handle events of this letter's subject until this transaction ends."""
    await connection.execute(_LOCK_SUBJECTS, [letter.record.topic], [letter.record.subject])


async def delete(connection: DatabaseConnection, letter: DeadLetter) -> bool:
    """Have a letter gone that takes effect with this transaction; False if another replay was there before."""
    return bool(await connection.fetchval(_DELETE, letter.id))


async def update_failed(connection: DatabaseConnection, letter: DeadLetter, reason: str) -> None:
    """Write down why a letter that was replayed failed; what is behind it waits for it now."""
    await connection.execute(_UPDATE_FAILED, letter.id, replace_nul(reason[:_MAX_REASON_LENGTH]))


def _dead_letter(row: Row) -> DeadLetter:
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    pairs = [(name, text.encode()) for name, text in headers.items()]
    place = row["topic"], row["partition"], row["offset"]
    record = raw_record(*place, row["timestamp_ms"], row["key"], row["value"], pairs)
    return DeadLetter(row["id"], row["state"], record, row["reason"], row["set_aside"].isoformat())
