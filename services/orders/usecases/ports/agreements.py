"""The port of agreements."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.access.caller import Caller
from services.orders.domain.agreement import AgreementRecord


class AgreementRepository(Protocol):
    """Agreements. The lock of an agreement is the lock of its pickups and orders."""

    async def by_id(self, agreement_id: uuid.UUID) -> AgreementRecord | None:
        """Return an agreement without locking it."""
        ...

    async def lock(self, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, AgreementRecord]: ...

    async def lock_by_number(self, numbers: Collection[str]) -> dict[str, AgreementRecord]: ...

    async def lock_visible(
        self, caller: Caller, today: dt.date, ids: Collection[uuid.UUID]
    ) -> dict[uuid.UUID, AgreementRecord]:
        """Lock those of these agreements that the caller reaches."""
        ...

    async def ids_by_key(self, keys: Collection[int]) -> dict[int, uuid.UUID]:
        """Return the ids of the agreements with these keys (``domain.pickup_id``), by key."""
        ...

    async def planned_on(self, day: dt.date, after: uuid.UUID, limit: int) -> list[AgreementRecord]:
        """Lock and return the agreements with the next ids whose cadence has this day, at most so many."""
        ...

    async def save(self, agreements: Sequence[AgreementRecord]) -> None: ...
