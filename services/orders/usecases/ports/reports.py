"""The port of reports."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from services.orders.domain.pickup import Report


class ReportRepository(Protocol):
    """Reports of pickups."""

    async def lock_reporter(self, subject_id: str) -> None:
        """Wait until no other transaction holds this reporter's lock, and hold it until the end of this one."""
        ...

    async def by_id(self, reporter: str, report_ids: Collection[str]) -> dict[str, Report]:
        """Return a reporter's reports with these ids."""
        ...

    async def of_pickups(self, pickup_ids: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[Report]]:
        """Return all reports of these pickups."""
        ...

    async def save(self, reports: Sequence[Report]) -> None: ...
