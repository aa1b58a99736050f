"""The port of the audit entries that identity collects."""

from collections.abc import Sequence
from typing import Protocol

from services.contracts.audit import AuditRecorded


class CollectedAuditRepository(Protocol):
    """The audit entries of all services, without their personal fields."""

    async def add(self, entries: Sequence[tuple[str, AuditRecorded]]) -> None:
        """Add entries, each with the service that has it; those that are there already stay as they are."""
        ...
