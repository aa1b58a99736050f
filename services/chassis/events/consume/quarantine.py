"""The quarantine: events that are held back because of a dead letter of their own or of their subject."""

from collections.abc import Sequence

import msgspec

from services.chassis.db.postgres import DatabaseConnection
from services.chassis.events.consume import dead_letters, inbox
from services.chassis.events.consume.dead_letters import DeadLetterState
from services.chassis.events.envelope import DecodedRecord, MalformedEvent, RawRecord, ReceivedEvent
from services.contracts.declare import Event

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


class Quarantine(msgspec.Struct, frozen=True):
    """The quarantined part of a batch."""

    events: set[tuple[str, str]]
    """Topic and id of the events that are dead letters already."""
    subjects: set[tuple[str, str]]
    """Topic and subject of the later events that have to wait."""


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
    waiting: dict[str, ReceivedEvent[Event]] = {}
    for record, event in batch:
        subject = (record.topic, record.subject)
        if (record.topic, record.event_id) in quarantine.events:
            continue
        if event is None:
            letters.append((record, "PARKED", "unknown type"))
        elif isinstance(event, MalformedEvent):
            letters.append((record, "FAILED", str(event)))
            quarantine.subjects.add(subject)
        elif record.subject and subject in quarantine.subjects:
            letters.append((record, "WAITING", "behind an event that failed"))
            waiting[record.event_id] = event
        else:
            fresh.append(event)
    if waiting:
        # A duplicate of a blocked subject's event may have taken effect before the subject was blocked.
        times = [(event.written_at, event.id) for event in waiting.values()]
        processed = await inbox.find_processed(connection, times)
        letters = [
            letter for letter in letters if letter[1] != "WAITING" or waiting[letter[0].event_id].id not in processed
        ]
    return fresh, letters


async def _load_quarantine(connection: DatabaseConnection, records: Sequence[RawRecord]) -> Quarantine:
    """Read the quarantined part of these records, excluding replays of it until the current transaction ends."""
    if not await connection.fetchval(_ANY_EXIST):
        return Quarantine(set(), set())
    topics, subjects = [record.topic for record in records], [record.subject for record in records]
    blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects)
    if blocked:
        # A replay in progress may delete a subject's last letter: an event that waits for none would wait for ever.
        await dead_letters.lock_subjects(
            connection, [row["topic"] for row in blocked], [row["subject"] for row in blocked]
        )
        blocked = await connection.fetch(_BLOCKED_SUBJECTS, topics, subjects)
    existing = await connection.fetch(_QUARANTINED_EVENTS, topics, [record.event_id for record in records])
    return Quarantine(
        {(row["topic"], row["event_id"]) for row in existing}, {(row["topic"], row["subject"]) for row in blocked}
    )
