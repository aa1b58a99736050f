"""The port of the decision on the caller's access."""

import datetime as dt
import uuid
from typing import Protocol

from services.access.caller import Caller
from services.access.decision import EffectivePermissions


class AccessDecisions(Protocol):
    """The decision on the caller's access."""

    async def permissions(
        self, caller: Caller, today: dt.date, organisation_id: uuid.UUID, site_id: uuid.UUID
    ) -> EffectivePermissions | None:
        """Return the caller's permissions on a site; None if it is out of reach."""
        ...
