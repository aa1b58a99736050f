"""The port of schedules."""

import datetime as dt
import uuid
from collections.abc import Collection
from typing import Protocol

from services.orders.domain.agreement import AgreementRecord
from services.orders.domain.calendar import Schedule


class ScheduleRepository(Protocol):
    """Schedules: the data that decide about the pickups of agreements."""

    async def of_agreements(
        self, zone: str, agreements: Collection[AgreementRecord], since: dt.date, until: dt.date
    ) -> dict[uuid.UUID, Schedule]:
        """Return each agreement's schedule between two days, by its id. ``zone`` is the operator's IANA zone."""
        ...
