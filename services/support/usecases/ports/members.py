"""The port of the users who reach a thing."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Protocol

from services.contracts.values import Id


class MemberDirectory(Protocol):
    """Users and staff, by the copy of access."""

    async def of_site(self, organisation_id: uuid.UUID, site_id: uuid.UUID | None, day: dt.date) -> Sequence[Id]:
        """Return the active customers who reach a site on a day; without a site, the whole organisation."""
        ...

    async def reaching(
        self, user_ids: Collection[Id], organisation_id: uuid.UUID | None, site_id: uuid.UUID | None, day: dt.date
    ) -> Sequence[Id]:
        """Return those of these users, customers and staff, who are active and reach a site on a day."""
        ...
