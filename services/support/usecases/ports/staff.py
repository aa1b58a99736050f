"""The port of the operator's staff."""

from typing import Protocol

from services.contracts.values import Id


class StaffDirectory(Protocol):
    """The employees of the operator, by the copy of access."""

    async def is_active(self, user_id: Id) -> bool:
        """Return whether the user is one of the staff, and may sign in."""
        ...
