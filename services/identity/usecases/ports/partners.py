"""The port of partners and their secrets."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Protocol

from services.identity.domain.access import PartnerRecord


class PartnerRepository(Protocol):
    """The partners of a transaction."""

    async def add(self, partner: PartnerRecord, secret_digest: bytes, now: dt.datetime) -> None:
        """Add a partner with its first secret."""
        ...

    async def by_id(self, partner_id: uuid.UUID) -> PartnerRecord | None:
        """Return the partner with this id."""
        ...

    async def lock_by_id(self, partner_id: uuid.UUID) -> PartnerRecord | None:
        """Return the partner with this id, locked for change."""
        ...

    async def after(self, after: uuid.UUID, limit: int) -> Sequence[PartnerRecord]:
        """Return the partners with the next ids, locked against change."""
        ...

    async def secrets(self, partner_id: uuid.UUID) -> list[bytes]:
        """Return the digests of a partner's valid secrets."""
        ...

    async def save(self, partner: PartnerRecord) -> None:
        """Update a partner."""
        ...
