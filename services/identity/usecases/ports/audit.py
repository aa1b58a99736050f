"""The port of the audit log."""

import datetime as dt
from typing import Protocol


class AuditLog(Protocol):
    """The audit log of a transaction."""

    async def add(self, actor: str, action: str, subject: str, now: dt.datetime) -> None:
        """Add an entry: the actor, their action and its subject."""
        ...
