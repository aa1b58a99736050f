"""Entries of the audit log, inserted in the transaction of the action that they tell of."""

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from services.chassis.audit import digests
from services.chassis.db import tombstones
from services.chassis.db.postgres import DatabaseConnection
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.audit import AuditOutcome, AuditRecorded
from services.contracts.values import Id

_SALT_BYTES = 16

_INSERT = """
    INSERT INTO chassis.audit (id, at, actor, acting_for, action, subject, organisation_id, outcome, personal_digest)
    SELECT id, $2, actor, acting_for, action, subject, organisation_id, outcome, personal_digest
    FROM unnest($1::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[], $9::bytea[])
        WITH ORDINALITY
        AS entry (id, actor, acting_for, action, subject, organisation_id, outcome, personal_digest, place)
    ORDER BY place
"""
_INSERT_PERSONAL = """
    INSERT INTO chassis.audit_personal (audit_id, person_id, salt, fields)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::jsonb[])
"""
_PAGE = f"SELECT {digests.COLUMNS} FROM chassis.audit WHERE id > $1 ORDER BY id LIMIT $2"


class PersonalFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an entry with personal data, such as an address: an erasure of the person deletes them."""

    person_id: Id
    """The id of the user, or of the organisation, which may be a household."""
    fields: Mapping[str, str]


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An action of the audit log. All fields but ``personal`` are kept for good: ids and codes, no personal data."""

    actor: str
    """The id of the user, partner or service that acted; ``host`` for a command on the host."""
    action: str
    """The code of the action, such as ``PARTNER_CREATED``."""
    subject: str
    """The id of the thing that the action is about."""
    acting_for: Id | None = None
    """The id of the customer for whom a staff user acts."""
    organisation_id: Id | None = None
    """The organisation whose data the action is about."""
    outcome: AuditOutcome = AuditOutcome.DONE
    personal: PersonalFields | None = None


def recorded_event(kind: type[AuditRecorded], entry_id: uuid.UUID, at: dt.datetime, entry: AuditEntry) -> AuditRecorded:
    """Return the event of an entry, which has none of the personal fields."""
    return kind(
        entry_id=write_id("audit", entry_id),
        at=at,
        actor=entry.actor,
        acting_for=entry.acting_for,
        action=entry.action,
        subject_id=entry.subject,
        organisation_id=entry.organisation_id,
        outcome=entry.outcome,
    )


async def page(
    connection: DatabaseConnection, after: uuid.UUID, limit: int
) -> Sequence[tuple[uuid.UUID, dt.datetime, AuditEntry]]:
    """Return the entries with the next ids, without their personal fields: each with its id and its time."""
    return [
        (
            row["id"],
            row["at"],
            AuditEntry(
                actor=row["actor"],
                acting_for=row["acting_for"],
                action=row["action"],
                subject=row["subject"],
                organisation_id=row["organisation_id"] and write_id("org", row["organisation_id"]),
                outcome=AuditOutcome(row["outcome"]),
            ),
        )
        for row in await connection.fetch(_PAGE, after, limit)
    ]


async def write(connection: DatabaseConnection, entries: Sequence[AuditEntry], now: dt.datetime) -> Sequence[uuid.UUID]:
    """Insert entries, in this order, in the present transaction; return their ids."""
    if not entries:
        return ()
    ids = [new_uuid() for _ in entries]
    rows = list[tuple[object, ...]]()
    personal_rows = list[tuple[uuid.UUID, uuid.UUID, bytes, str]]()
    for entry_id, entry in zip(ids, entries, strict=True):
        digest = None
        if personal := entry.personal:
            salt = secrets.token_bytes(_SALT_BYTES)
            digest = digests.personal_digest(salt, personal.fields)
            fields = msgspec.json.encode(personal.fields).decode()
            personal_rows.append((entry_id, _person(personal.person_id), salt, fields))
        organisation_id = read_id("org", entry.organisation_id) if entry.organisation_id else None
        subject = (entry.actor, entry.acting_for, entry.action, entry.subject)
        rows.append((*subject, organisation_id, entry.outcome.value, digest))
    await connection.execute(_INSERT, ids, now, *map(list, zip(*rows, strict=True)))
    if personal_rows:
        await connection.execute(_INSERT_PERSONAL, *map(list, zip(*personal_rows, strict=True)))
    return ids


def _person(person_id: Id) -> uuid.UUID:
    return read_id(tombstones.prefix_of(person_id), person_id)
