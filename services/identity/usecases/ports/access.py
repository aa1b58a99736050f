"""The port of the copy of access in identity's own database."""

from typing import Protocol

from services.contracts.identity.events import AccessStated


class AccessRepository(Protocol):
    """The copy of access, which this service's queries join as those of every other service do."""

    async def upsert(self, stated: AccessStated) -> None:
        """Insert or update a subject's access."""
        ...
