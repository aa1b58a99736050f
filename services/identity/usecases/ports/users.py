"""The port of users and their memberships."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.access import UserRecord


class UserRepository(Protocol):
    """The users of a transaction, each with their memberships."""

    async def add(self, user: UserRecord, now: dt.datetime) -> bool:
        """Add a user with their memberships. Return False, without any change, if the username is taken.

        A name that looks like another's is taken, too.
        """
        ...

    async def by_username(self, username_key: str) -> UserRecord | None:
        """Return the user whose username has this key."""
        ...

    async def by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        """Return the user with this id."""
        ...

    async def by_ids(self, user_ids: Sequence[uuid.UUID]) -> Sequence[UserRecord]:
        """Return the users with these ids, by id."""
        ...

    async def lock_by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        """Return the user with this id, locked for change."""
        ...

    async def ids_by_email(self, email: str) -> Sequence[uuid.UUID]:
        """Return the ids of the active users with this address, at most 20."""
        ...

    async def ids_by_name_or_email(self, username_key: str, email: str) -> Sequence[uuid.UUID]:
        """Return the ids of the active users whose username has this key, or with this address; at most 20."""
        ...

    async def rename(self, user: UserRecord) -> bool:
        """Update a locked user's name. Return False, without any change, if it is taken, or looks like another's."""
        ...

    async def save_account(self, user: UserRecord) -> None:
        """Update a locked user's own account: address, language, password, version."""
        ...

    async def keeps_password(self, user: UserRecord) -> bool:
        """Return whether an active user still has this password, and lock it against a change."""

    async def raise_version(self, user_id: uuid.UUID) -> UserRecord:
        """Raise the version of a user's access, and return the user with the memberships of now."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[UserRecord]:
        """Return the users with the next ids, locked against change."""
        ...

    async def any_in(self, organisation_id: uuid.UUID) -> bool:
        """Return whether an organisation has members."""
        ...

    async def request_access(self, user_id: uuid.UUID, organisation_id: uuid.UUID, now: dt.datetime) -> None:
        """Add a request for access, for the organisation's admins to decide."""
        ...
