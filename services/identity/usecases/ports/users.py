"""The port of users and their memberships."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.access import UserRecord


class UserRepository(Protocol):
    """The users of a transaction, each with their memberships."""

    async def add(self, user: UserRecord, now: dt.datetime) -> bool:
        """Add a user with their memberships. Return False, without any change, if the username is taken."""
        ...

    async def by_username(self, username_key: str) -> UserRecord | None:
        """Return the user whose username has this key."""
        ...

    async def by_id(self, user_id: uuid.UUID) -> UserRecord | None:
        """Return the user with this id."""
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
