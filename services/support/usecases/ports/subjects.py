"""The port of the things that tickets are linked to."""

from typing import Protocol

from services.contracts.values import Id


class Subjects(Protocol):
    """Agreements, orders and pickups."""

    async def site_of(self, thing_id: Id) -> Id | None:
        """Return the site of a thing; None if it does not exist. Raise NotReadyYet while its owner does not answer."""
        ...
