"""The port of invitations."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Protocol

from services.identity.domain.invitation import InvitationRecord


class InvitationRepository(Protocol):
    """The invitations of organisations."""

    async def add(self, invitation: InvitationRecord, digest: bytes) -> None: ...

    async def save(self, invitation: InvitationRecord, digest: bytes | None = None) -> None:
        """Save a changed invitation; ``digest``: of its new secret."""
        ...

    async def by_id(self, invitation_id: uuid.UUID) -> InvitationRecord | None: ...

    async def lock_by_id(self, invitation_id: uuid.UUID) -> InvitationRecord | None:
        """Return an invitation, locked for change."""
        ...

    async def by_digest(self, digest: bytes) -> InvitationRecord | None: ...

    async def lock_by_digest(self, digest: bytes) -> InvitationRecord | None:
        """Return the invitation with a secret of this digest, locked for change."""
        ...

    async def pending_emails(self, organisation_id: uuid.UUID, emails: Collection[str], now: dt.datetime) -> set[str]:
        """Return those of these addresses, in lower case, that have a pending invitation."""
        ...

    async def sent_since(self, organisation_id: uuid.UUID, since: dt.datetime) -> int:
        """Return the number of an organisation's invitations that were sent since a time."""
        ...
