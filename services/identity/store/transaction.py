"""A transaction on identity's own data: what the use cases' port asks for, in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from services.access import copy
from services.chassis.db.postgres import Row
from services.chassis.db.sort_keys import sort_key
from services.chassis.events.transaction import Transaction
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity import AccessStated, OrganisationKind
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.domain.attempts import AttemptCount, AttemptCounter, Scope
from services.identity.domain.names import username_key
from services.identity.domain.organisation import InvoiceCopy, OrganisationFacts, OrganisationRecord
from services.identity.domain.session import Session
from services.identity.store import subjects

_AUDIT = "INSERT INTO audit (id, at, actor, action, subject) VALUES ($1, $2, $3, $4, $5)"
_ORGANISATION = "SELECT id, version, customer_number, name, kind, business_id FROM organisations"
_ORGANISATIONS = f"{_ORGANISATION} WHERE customer_number = ANY ($1) ORDER BY id FOR UPDATE"
_ORGANISATIONS_AFTER = f"{_ORGANISATION} WHERE id > $1 ORDER BY id LIMIT $2 FOR SHARE"
ORGANISATION_COLUMNS = "id, version, customer_number, name, kind, business_id, sort_name"
_SAVE_ORGANISATION = f"""
    INSERT INTO organisations ({ORGANISATION_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET
        version = excluded.version, name = excluded.name, kind = excluded.kind, business_id = excluded.business_id,
        sort_name = excluded.sort_name
"""
_UNKNOWN_ORGANISATIONS = """
    SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
    WHERE NOT EXISTS (SELECT 1 FROM organisations o WHERE o.id = wanted.id)
"""
_UPSERT_INVOICE = """
    INSERT INTO invoices (id, customer_number, invoice_number, invoice_date, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET
        customer_number = excluded.customer_number, invoice_number = excluded.invoice_number,
        invoice_date = excluded.invoice_date, version = excluded.version, doubted = false
    WHERE invoices.version < excluded.version OR invoices.doubted
"""
_NEWEST_INVOICES = """
    SELECT invoice_number FROM invoices WHERE customer_number = $1
      AND invoice_date = (SELECT max(invoice_date) FROM invoices WHERE customer_number = $1)
"""
_HAS_MEMBERS = "SELECT EXISTS (SELECT 1 FROM memberships WHERE organisation_id = $1)"
USER_COLUMNS = """
    id, username, username_key, email, language, password_hash, staff, active, version, terms_version,
    terms_accepted_at, created_at
"""
_ADD_USER = f"""
    INSERT INTO users ({USER_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (username_key) DO NOTHING RETURNING true
"""
MEMBERSHIP_COLUMNS = "user_id, organisation_id, role, billing, site_ids, until"
_ADD_MEMBERSHIP = f"INSERT INTO memberships ({MEMBERSHIP_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"
_REQUEST_ACCESS = "INSERT INTO access_requests (id, user_id, organisation_id, asked_at) VALUES ($1, $2, $3, $4)"
PARTNER_COLUMNS = "id, name, scopes, organisation_ids, all_organisations, active, version, sort_name"
_ADD_PARTNER = f"INSERT INTO partners ({PARTNER_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
_ADD_SECRET = "INSERT INTO partner_secrets (partner_id, digest, made_at) VALUES ($1, $2, $3)"  # noqa: S105
_SECRETS = "SELECT digest FROM partner_secrets WHERE partner_id = $1"
_SAVE_PARTNER = """
    UPDATE partners SET name = $2, scopes = $3, organisation_ids = $4, all_organisations = $5, active = $6,
        version = $7, sort_name = $8
    WHERE id = $1
"""
# Rows in one order for everyone: the scope, then the key.
_LOCK_COUNTS = """
    INSERT INTO attempts (scope, key, count, since)
    SELECT scope, key, 0, $3 FROM unnest($1::text[], $2::bytea[]) AS u (scope, key) ORDER BY scope, key
    ON CONFLICT (scope, key) DO UPDATE SET count = attempts.count
    RETURNING scope, key, count, since, tried_by, kept_for
"""
_UPDATE_COUNT = """
    UPDATE attempts SET count = $3, since = $4, tried_by = $5, kept_for = $6 WHERE scope = $1 AND key = $2
"""
_DECREMENT_COUNT = "UPDATE attempts SET count = count - 1 WHERE scope = $1 AND key = $2 AND count > 0"
_DELETE_COUNT = "DELETE FROM attempts WHERE scope = $1 AND key = $2"
_ADD_SESSION = """
    INSERT INTO sessions (id, user_id, started_at, expires_at, number, rotated_at, salt, ended_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SESSION = """
    SELECT id, user_id, started_at, expires_at, number, rotated_at, salt, ended_at FROM sessions
    WHERE id = $1 FOR UPDATE
"""
_SAVE_SESSION = """
    UPDATE sessions SET expires_at = $2, number = $3, rotated_at = $4, salt = $5, ended_at = $6 WHERE id = $1
"""
_FIND_TOKEN = "SELECT session_id, number FROM refresh_tokens WHERE digest = $1"  # noqa: S105
_ADD_TOKEN = "INSERT INTO refresh_tokens (digest, session_id, number) VALUES ($1, $2, $3)"  # noqa: S105


class IdentityTransaction(Transaction):
    """Implements ``usecases.ports.IdentityStore``."""

    async def upsert_access(self, stated: AccessStated) -> None:
        await copy.upsert_access(self.connection, stated)

    async def audit(self, actor: str, action: str, subject: str) -> None:
        await self.connection.execute(_AUDIT, new_uuid(), self.now, actor, action, subject)

    async def organisations_by_number(self, numbers: Collection[str]) -> dict[str, OrganisationRecord]:
        rows = await self.connection.fetch(_ORGANISATIONS, list(numbers))
        return {row["customer_number"]: _to_organisation(row) for row in rows}

    async def organisations_after(self, after: uuid.UUID, limit: int) -> list[OrganisationRecord]:
        return [_to_organisation(row) for row in await self.connection.fetch(_ORGANISATIONS_AFTER, after, limit)]

    async def save_organisations(self, organisations: Sequence[OrganisationRecord]) -> None:
        await self.connection.executemany(
            _SAVE_ORGANISATION, [organisation_row(organisation) for organisation in organisations]
        )

    async def unknown_organisations(self, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        return {row["id"] for row in await self.connection.fetch(_UNKNOWN_ORGANISATIONS, list(ids))}

    async def upsert_invoice(self, invoice: InvoiceCopy) -> None:
        await self.connection.execute(
            _UPSERT_INVOICE,
            invoice.id,
            invoice.customer_number,
            invoice.invoice_number,
            invoice.invoice_date,
            invoice.version,
        )

    async def newest_invoices(self, customer_number: str) -> set[str]:
        return {row["invoice_number"] for row in await self.connection.fetch(_NEWEST_INVOICES, customer_number)}

    async def has_members(self, organisation_id: uuid.UUID) -> bool:
        return bool(await self.connection.fetchval(_HAS_MEMBERS, organisation_id))

    async def add_user(self, user: UserRecord) -> bool:
        added = await self.connection.fetchval(_ADD_USER, *user_row(user, self.now))
        if added:
            await self.connection.executemany(_ADD_MEMBERSHIP, membership_rows(user))
        return bool(added)

    async def user_by_username(self, username_key: str) -> UserRecord | None:
        return await subjects.user_by_username(self.connection, username_key)

    async def user_by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        return await subjects.user_by_id(self.connection, user_id)

    async def users_after(self, after: uuid.UUID, limit: int) -> list[UserRecord]:
        return await subjects.users_after(self.connection, after, limit)

    async def request_access(self, user_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
        await self.connection.execute(_REQUEST_ACCESS, new_uuid(), user_id, organisation_id, self.now)

    async def add_partner(self, partner: PartnerRecord, secret_digest: bytes) -> None:
        await self.connection.execute(_ADD_PARTNER, *partner_row(partner))
        await self.connection.execute(_ADD_SECRET, partner.id, secret_digest, self.now)

    async def partner_by_id(self, partner_id: uuid.UUID, *, lock: bool = False) -> PartnerRecord | None:
        return await subjects.partner_by_id(self.connection, partner_id, lock=lock)

    async def partners_after(self, after: uuid.UUID, limit: int) -> list[PartnerRecord]:
        return await subjects.partners_after(self.connection, after, limit)

    async def partner_secrets(self, partner_id: uuid.UUID) -> list[bytes]:
        return [row["digest"] for row in await self.connection.fetch(_SECRETS, partner_id)]

    async def save_partner(self, partner: PartnerRecord) -> None:
        await self.connection.execute(_SAVE_PARTNER, *partner_row(partner))

    async def lock_counts(self, counters: Sequence[AttemptCounter]) -> dict[AttemptCounter, AttemptCount]:
        rows = await self.connection.fetch(
            _LOCK_COUNTS,
            [counter.scope.value for counter in counters],
            [counter.key for counter in counters],
            self.now,
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

    async def save_counts(self, counts: Sequence[AttemptCount]) -> None:
        await self.connection.executemany(
            _UPDATE_COUNT,
            [
                (one.counter.scope.value, one.counter.key, one.count, one.since, one.admitted_from, one.reserved_for)
                for one in counts
            ],
        )

    async def refund_attempts(self, counters: Sequence[AttemptCounter]) -> None:
        for counter in sorted(counters, key=lambda one: (one.scope.value, one.key)):
            statement = _DECREMENT_COUNT if counter.scope is Scope.ADDRESS else _DELETE_COUNT
            await self.connection.execute(statement, counter.scope.value, counter.key)

    async def add_session(self, session: Session, token_digest: bytes) -> None:
        await self.connection.execute(
            _ADD_SESSION,
            session.id,
            session.user_id,
            session.started_at,
            session.expires_at,
            session.number,
            session.rotated_at,
            session.salt,
            session.ended_at,
        )
        await self.add_refresh_token(session, token_digest)

    async def session_by_id(self, session_id: uuid.UUID) -> Session | None:
        row = await self.connection.fetchrow(_SESSION, session_id)
        return Session(**dict(row)) if row else None

    async def find_refresh_token(self, token_digest: bytes) -> tuple[uuid.UUID, int] | None:
        row = await self.connection.fetchrow(_FIND_TOKEN, token_digest)
        return (row["session_id"], row["number"]) if row else None

    async def save_session(self, session: Session) -> None:
        if session.ended_at is not None:
            await copy.end_session(self.connection, write_id("session", session.id))
        await self.connection.execute(
            _SAVE_SESSION,
            session.id,
            session.expires_at,
            session.number,
            session.rotated_at,
            session.salt,
            session.ended_at,
        )

    async def add_refresh_token(self, session: Session, token_digest: bytes) -> None:
        await self.connection.execute(_ADD_TOKEN, token_digest, session.id, session.number)


def _to_organisation(row: Row) -> OrganisationRecord:
    facts = OrganisationFacts(
        customer_number=row["customer_number"],
        name=row["name"],
        kind=OrganisationKind(row["kind"]),
        business_id=row["business_id"],
    )
    return OrganisationRecord(id=row["id"], version=row["version"], facts=facts)


def organisation_row(organisation: OrganisationRecord) -> tuple[object, ...]:
    """Return the values of an organisation's columns, in the order of ``ORGANISATION_COLUMNS``."""
    facts = organisation.facts
    return (
        organisation.id,
        organisation.version,
        facts.customer_number,
        facts.name,
        facts.kind.value,
        facts.business_id,
        sort_key(facts.name),
    )


def user_row(user: UserRecord, created_at: dt.datetime) -> tuple[object, ...]:
    """Return the values of a user's columns, in the order of ``USER_COLUMNS``."""
    return (
        user.id,
        user.username,
        username_key(user.username),
        user.email,
        user.language.value,
        user.password_hash,
        user.staff,
        user.active,
        user.version,
        user.terms_version,
        user.terms_accepted_at,
        created_at,
    )


def membership_rows(user: UserRecord) -> list[tuple[object, ...]]:
    """Return the values of the columns of a user's memberships, in the order of ``MEMBERSHIP_COLUMNS``."""
    return [
        (user.id, one.organisation_id, one.role.value, one.billing, one.site_ids, one.until) for one in user.memberships
    ]


def partner_row(partner: PartnerRecord) -> tuple[object, ...]:
    """Return the values of a partner's columns, in the order of ``PARTNER_COLUMNS``."""
    return (
        partner.id,
        partner.name,
        partner.scopes,
        partner.organisation_ids,
        partner.all_organisations,
        partner.active,
        partner.version,
        sort_key(partner.name),
    )
