"""The port of one-time links."""

import datetime as dt
import uuid
from typing import Protocol

from services.identity.domain.link import Link, LinkPurpose


class LinkRepository(Protocol):
    """The links of a transaction. Their user is locked before they change."""

    async def add(self, link: Link, digest: bytes) -> bool:
        """Add a link in place of the user's earlier ones of its purpose; return False if it was added before."""
        ...

    async def find(self, digest: bytes) -> Link | None:
        """Return the link with this digest of its secret."""
        ...

    async def mark_used(self, link_id: uuid.UUID, now: dt.datetime) -> None:
        """Note that a link was used."""
        ...

    async def end(self, user_id: uuid.UUID, *purposes: LinkPurpose) -> None:
        """End a user's links of these purposes."""
        ...
