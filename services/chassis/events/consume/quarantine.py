"""The quarantine: events that are held back because of a dead letter of their own or of their subject."""

from collections.abc import Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.consume import dead_letters, inbox
from services.chassis.events.consume.dead_letters import BEHIND, DeadLetterState
from services.chassis.events.envelope import DecodedRecord, MalformedEvent, RawRecord, ReceivedEvent, UnknownEvent
from services.contracts.declare import Event, known_events

_ANY_EXIST = "SELECT EXISTS (SELECT FROM chassis.dead_letters)"
_QUARANTINED_EVENTS = """
    SELECT topic, event_id FROM unnest($1::text[], $2::text[]) AS r (topic, event_id)
    JOIN chassis.dead_letters USING (topic, event_id)
"""
# The first letter of a subject decides: a parked one is replayed without a command, and so are those behind it.
_BLOCKED_SUBJECTS = """
    SELECT r.topic, r.subject, first.state
    FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[])) AS r (topic, subject) CROSS JOIN LATERAL (
        SELECT state FROM chassis.dead_letters l
        WHERE l.topic = r.topic AND l.subject = r.subject AND (state <> 'PARKED' OR type = ANY ($3))
        ORDER BY id LIMIT 1
    ) AS first
    WHERE r.subject <> '' ORDER BY r.topic, r.subject
"""


class Quarantine(msgspec.Struct, frozen=True):
    """The quarantined part of a batch."""

    events: set[tuple[str, str]]
    """Topic and id of the events that are dead letters already."""
    subjects: dict[tuple[str, str], DeadLetterState]
    """The state of later events that have to wait, by their topic and subject."""


async def classify(
    connection: DatabaseConnection,
    batch: Sequence[DecodedRecord],
    records: Sequence[RawRecord],
    events: list[ReceivedEvent[Event]],
) -> tuple[list[ReceivedEvent[Event]], list[tuple[RawRecord, DeadLetterState, str]]]:
    """Split a batch into events to handle and new dead letters; what is a dead letter already is in neither."""
    quarantine = await _load_quarantine(connection, records)
    if len(events) == len(batch) and not quarantine.events and not quarantine.subjects:
        return events, []
    fresh: list[ReceivedEvent[Event]] = []
    letters: list[tuple[RawRecord, DeadLetterState, str]] = []
    behind: dict[str, ReceivedEvent[Event]] = {}
    for record, event in batch:
        subject = (record.topic, record.subject)
        if (record.topic, record.event_id) in quarantine.events:
            continue
        if isinstance(event, UnknownEvent):
            letters.append((record, "PARKED", event.reason))
            if event.type is not None:
                quarantine.subjects.setdefault(subject, "PARKED")
        elif isinstance(event, MalformedEvent):
            letters.append((record, "FAILED", str(event)))
            quarantine.subjects.setdefault(subject, "WAITING")
        elif record.subject and subject in quarantine.subjects:
            state = quarantine.subjects[subject]
            letters.append((record, state, BEHIND[state]))
            behind[record.event_id] = event
        else:
            fresh.append(event)
    if behind:
        # A duplicate of a blocked subject's event may have taken effect before the subject was blocked.
        times = [(event.written_at, event.id) for event in behind.values()]
        processed = await inbox.find_processed(connection, times)
        letters = [
            letter
            for letter in letters
            if (later := behind.get(letter[0].event_id)) is None or later.id not in processed
        ]
    return fresh, letters


async def _load_quarantine(connection: DatabaseConnection, records: Sequence[RawRecord]) -> Quarantine:
    """Read the quarantined part of these records, excluding replays of it until the current transaction ends."""
    if not await connection.fetchval(_ANY_EXIST):
        return Quarantine(set(), {})
    topics, subjects = [record.topic for record in records], [record.subject for record in records]
    known = known_events()
    blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects, known)
    if blocked:
        # A replay in progress may delete a subject's last letter: an event that waits for none would wait for ever.
        await dead_letters.lock_subjects(
            connection, [row["topic"] for row in blocked], [row["subject"] for row in blocked]
        )
        blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects, known)
    existing = await connection.fetch(_QUARANTINED_EVENTS, topics, [record.event_id for record in records])
    return Quarantine(
        {(row["topic"], row["event_id"]) for row in existing},
        {(row["topic"], row["subject"]): "PARKED" if row["state"] == "PARKED" else "WAITING" for row in blocked},
    )
