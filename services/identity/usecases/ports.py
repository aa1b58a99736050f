"""What the use cases need of the store."""

import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.chassis.events.transaction import UnitOfWork
from services.chassis.events.transaction_port import TransactionPort
from services.contracts.identity import AccessStated
from services.identity.domain.access import PartnerRecord, UserRecord
from services.identity.domain.attempts import AttemptCount, AttemptCounter
from services.identity.domain.organisation import InvoiceCopy, OrganisationRecord
from services.identity.domain.session import Session


class Passwords(Protocol):
    """Slow hashing, outside of any transaction."""

    async def hash(self, password: str) -> str:
        """What is kept of a password, against which nothing stands."""
        ...

    async def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password that was kept. With None it is not, and finding that out takes as long."""
        ...


class IdentityStore(TransactionPort, Protocol):
    """A transaction on identity's own data."""

    async def upsert_access(self, stated: AccessStated) -> None:
        """Take a subject's access into this service's own copy, which its queries join as everyone's do."""
        ...

    async def audit(self, actor: str, action: str, subject: str) -> None:
        """Keep who did what to what."""
        ...

    async def organisations_by_number(self, numbers: Collection[str]) -> dict[str, OrganisationRecord]:
        """The organisations with these customer numbers, locked for change."""
        ...

    async def organisations_after(self, after: uuid.UUID, limit: int) -> Sequence[OrganisationRecord]:
        """The organisations with the next ids, locked against change."""
        ...

    async def save_organisations(self, organisations: Sequence[OrganisationRecord]) -> None: ...

    async def unknown_organisations(self, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Those of the ids that no organisation has."""
        ...

    async def upsert_invoice(self, invoice: InvoiceCopy) -> None:
        """Keep an invoice, unless what is kept of it is as new already."""
        ...

    async def newest_invoices(self, customer_number: str) -> set[str]:
        """The numbers of a customer's invoices of the newest date: one, or those that were sent together."""
        ...

    async def has_members(self, organisation_id: uuid.UUID) -> bool:
        """Whether anyone was ever a member."""
        ...

    async def add_user(self, user: UserRecord) -> bool:
        """Add a user with their memberships; False, and nothing done, if the username is taken."""
        ...

    async def user_by_username(self, username_key: str) -> UserRecord | None: ...

    async def user_by_id(self, user_id: uuid.UUID) -> UserRecord | None: ...

    async def users_after(self, after: uuid.UUID, limit: int) -> Sequence[UserRecord]:
        """The users with the next ids, locked against change."""
        ...

    async def request_access(self, user_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
        """Ask the organisation's admins to let a user in."""
        ...

    async def add_partner(self, partner: PartnerRecord, secret_digest: bytes) -> None: ...

    async def partner_by_id(self, partner_id: uuid.UUID, *, lock: bool = False) -> PartnerRecord | None:
        """A partner; ``lock`` it for a change."""
        ...

    async def partners_after(self, after: uuid.UUID, limit: int) -> Sequence[PartnerRecord]:
        """The partners with the next ids, locked against change."""
        ...

    async def partner_secrets(self, partner_id: uuid.UUID) -> list[bytes]:
        """The digests of the secrets that a partner may use now."""
        ...

    async def save_partner(self, partner: PartnerRecord) -> None: ...

    async def lock_counts(self, counters: Sequence[AttemptCounter]) -> dict[AttemptCounter, AttemptCount]:
        """Where these counts stand, locked for change; one that was not there begins now."""
        ...

    async def save_counts(self, counts: Sequence[AttemptCount]) -> None:
        """Keep where these counts stand, which are locked."""
        ...

    async def refund_attempts(self, counters: Sequence[AttemptCounter]) -> None:
        """The attempt was right: take it off the address's count, and forget what else it was counted by."""
        ...

    async def add_session(self, session: Session, token_digest: bytes) -> None: ...

    async def session_by_id(self, session_id: uuid.UUID) -> Session | None:
        """A session, locked for change."""
        ...

    async def find_refresh_token(self, token_digest: bytes) -> tuple[uuid.UUID, int] | None:
        """The session of a refresh token, and the token's number in it."""
        ...

    async def save_session(self, session: Session) -> None: ...

    async def add_refresh_token(self, session: Session, token_digest: bytes) -> None:
        """Keep the digest of a session's last token."""
        ...


Work = UnitOfWork[IdentityStore]
