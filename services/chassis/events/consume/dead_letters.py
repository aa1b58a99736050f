"""Dead letters: failed events, events that this build does not know, and later events of their subjects.

A row keeps the whole record. Later events of a failed one's subject wait (``WAITING``), so that a replay is in order;
all others are handled. They wait in whichever partition they come.

An event of an unknown type, or with an unknown value of an enum, is parked (``PARKED``) until a build knows it. Later
events of its subject are parked behind it, unless its type is unknown: this build has no handler that would need them
in order.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from services.chassis.db.postgres import DatabaseConnection, Row
from services.chassis.events.envelope import RawRecord, raw_record, replace_nul
from services.chassis.telemetry import metrics
from services.contracts.declare import known_events

DeadLetterState = Literal["FAILED", "WAITING", "PARKED"]
DEAD_LETTER_STATES: tuple[DeadLetterState, ...] = ("FAILED", "WAITING", "PARKED")
BEHIND: dict[DeadLetterState, str] = {"WAITING": "behind an event that failed", "PARKED": "behind a parked event"}
"""The reason of a letter that is kept because of an earlier one of its subject."""

_INSERT = """
    INSERT INTO chassis.dead_letters
        (state, topic, partition, "offset", timestamp_ms, event_id, type, subject, key, headers, value, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (topic, event_id) DO NOTHING RETURNING true
"""
_LOCK_SUBJECTS = """
    SELECT pg_advisory_xact_lock(hashtextextended(topic || ' ' || subject, 0))
    FROM unnest($1::text[], $2::text[]) AS r (topic, subject)
"""
_COLUMNS = """
    id, state, topic, partition, "offset", timestamp_ms, event_id, type, subject, key, headers, value, reason, set_aside
"""
_PAGE = f"SELECT {_COLUMNS} FROM chassis.dead_letters WHERE id > $1 AND state = ANY ($2) ORDER BY id LIMIT $3"
_REPLAYABLE_PAGE = f"""
    SELECT {_COLUMNS} FROM chassis.dead_letters l
    WHERE id > $1 AND state = 'PARKED' AND type = ANY ($2)
      AND (topic, subject) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))
      AND NOT EXISTS (
          SELECT FROM chassis.dead_letters earlier
          WHERE earlier.topic = l.topic AND earlier.subject = l.subject AND earlier.id < l.id
            AND earlier.state <> 'PARKED'
      )
    ORDER BY id LIMIT $5
"""
_GET = f"SELECT {_COLUMNS} FROM chassis.dead_letters WHERE id = $1"
_NEXT_TO_REPLAY = f"""
    SELECT {_COLUMNS} FROM chassis.dead_letters
    WHERE topic = $1
      AND (id = $3 OR (subject = $2 AND subject <> '' AND (state <> 'PARKED' OR type = ANY ($4))))
    ORDER BY id LIMIT 1
"""
_COUNTS = "SELECT state, count(*) AS letters FROM chassis.dead_letters GROUP BY state"
_DELETE = "DELETE FROM chassis.dead_letters WHERE id = $1 RETURNING true"
_UPDATE_FAILED = "UPDATE chassis.dead_letters SET state = 'FAILED', reason = $2 WHERE id = $1"
_PARK = """
    UPDATE chassis.dead_letters SET state = 'PARKED', reason = CASE WHEN id = $1 THEN $2 ELSE $3 END
    WHERE id = $1 OR (topic = $4 AND subject = $5 AND state = 'WAITING')
"""

_MAX_REASON_LENGTH = 2000


class DeadLetter(msgspec.Struct, frozen=True):
    """A dead letter with the reason of its state."""

    id: int
    state: DeadLetterState
    record: RawRecord
    reason: str
    created_at: str


async def add(connection: DatabaseConnection, record: RawRecord, state: DeadLetterState, reason: str) -> None:
    """Insert a dead letter; one that exists already stays as it is."""
    inserted = await connection.fetchval(
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
    if inserted:
        metrics.EVENTS_DEAD_LETTERED.labels(state).inc()


async def page(
    connection: DatabaseConnection,
    after: int,
    first: int,
    states: Sequence[DeadLetterState] = DEAD_LETTER_STATES,
) -> list[DeadLetter]:
    """Read up to ``first`` dead letters after the id ``after``, in order of insertion."""
    return [_dead_letter(row) for row in await connection.fetch(_PAGE, after, list(states), first)]


async def replayable_page(
    connection: DatabaseConnection, after: int, first: int, unknown: Collection[tuple[str, str]]
) -> list[DeadLetter]:
    """Read up to ``first`` parked events after the id ``after`` whose types this build knows, in order of insertion.

    Those behind a failed event of their subject, and those of the topics and subjects in ``unknown``, are left out.
    """
    topics, subjects = [topic for topic, _ in unknown], [subject for _, subject in unknown]
    rows = await connection.fetch(_REPLAYABLE_PAGE, after, known_events(), topics, subjects, first)
    return [_dead_letter(row) for row in rows]


async def get(connection: DatabaseConnection, id: int) -> DeadLetter | None:
    """Read the dead letter with this id."""
    row = await connection.fetchrow(_GET, id)
    return _dead_letter(row) if row is not None else None


async def next_to_replay(connection: DatabaseConnection, letter: DeadLetter) -> DeadLetter | None:
    """Read the first dead letter of this one's subject, which is replayed before it."""
    record = letter.record
    row = await connection.fetchrow(_NEXT_TO_REPLAY, record.topic, record.subject, letter.id, known_events())
    return _dead_letter(row) if row is not None else None


async def count_by_state(connection: DatabaseConnection) -> dict[DeadLetterState, int]:
    """Count the dead letters in each state."""
    counts = {row["state"]: row["letters"] for row in await connection.fetch(_COUNTS)}
    return {state: counts.get(state, 0) for state in DEAD_LETTER_STATES}


async def lock_subjects(connection: DatabaseConnection, topics: Sequence[str], subjects: Sequence[str]) -> None:
    """Exclude workers and replays from these subjects until the current transaction ends."""
    await connection.execute(_LOCK_SUBJECTS, topics, subjects)


async def delete(connection: DatabaseConnection, letter: DeadLetter) -> bool:
    """Delete a letter whose event takes effect with this transaction; False if another replay deleted it before."""
    return bool(await connection.fetchval(_DELETE, letter.id))


async def update_failed(connection: DatabaseConnection, letter: DeadLetter, reason: str) -> None:
    """Record why the replay of a letter failed: later letters of its subject wait for it now."""
    await connection.execute(_UPDATE_FAILED, letter.id, replace_nul(reason[:_MAX_REASON_LENGTH]))


async def park(connection: DatabaseConnection, letter: DeadLetter, reason: str) -> None:
    """Record that this build does not know a letter's event: those that wait are parked behind it."""
    record = letter.record
    reason = replace_nul(reason[:_MAX_REASON_LENGTH])
    await connection.execute(_PARK, letter.id, reason, BEHIND["PARKED"], record.topic, record.subject)


def _dead_letter(row: Row) -> DeadLetter:
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    pairs = [(name, text.encode()) for name, text in headers.items()]
    record = raw_record(
        row["topic"], row["partition"], row["offset"], row["timestamp_ms"], row["key"], row["value"], pairs
    )
    return DeadLetter(row["id"], row["state"], record, row["reason"], row["set_aside"].isoformat())
