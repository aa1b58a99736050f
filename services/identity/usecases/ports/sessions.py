"""The port of sessions and their refresh tokens."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.session import Session


class SessionRepository(Protocol):
    """The sessions of a transaction."""

    async def add(self, session: Session, token_digest: bytes) -> None:
        """Add a session with its first refresh token."""
        ...

    async def lock_by_id(self, session_id: uuid.UUID) -> Session | None:
        """Return the session with this id, locked for change."""
        ...

    async def lock_present_of(self, user_id: uuid.UUID, now: dt.datetime) -> Sequence[Session]:
        """Return a user's sessions that have not ended or expired, locked for change."""
        ...

    async def find_refresh_token(self, token_digest: bytes) -> tuple[uuid.UUID, int] | None:
        """Return the session of a refresh token, and the token's number in it."""
        ...

    async def save(self, session: Session) -> None:
        """Update a session. One that ended is ended in this service's copy of access, too."""
        ...

    async def add_refresh_token(self, session: Session, token_digest: bytes) -> None:
        """Add a session's last refresh token."""
        ...
