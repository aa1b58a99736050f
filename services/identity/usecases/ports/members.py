"""The port of members of organisations."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Protocol

from services.identity.domain.member import MemberRecord


class MemberRepository(Protocol):
    """The memberships of organisations, past ones, too."""

    async def add(self, member: MemberRecord) -> None:
        """Add a present membership; the user has none in the organisation."""
        ...

    async def save(self, member: MemberRecord) -> None: ...

    async def by_id(self, member_id: uuid.UUID) -> MemberRecord | None: ...

    async def find(self, organisation_id: uuid.UUID, user_id: uuid.UUID) -> MemberRecord | None:
        """Return a user's membership that no one has ended; its last day may be over."""
        ...

    async def permanent_admins(self, organisation_id: uuid.UUID) -> int:
        """Return the number of an organisation's active admins of all sites without an end."""
        ...

    async def emails(self, organisation_id: uuid.UUID, emails: Collection[str], today: dt.date) -> set[str]:
        """Return those of these addresses, in lower case, that present members have."""
        ...
