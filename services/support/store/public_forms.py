"""The senders of public forms in PostgreSQL."""

import datetime as dt
from collections.abc import Sequence

from services.chassis.db.postgres import DatabaseConnection
from services.support.domain.limits import WINDOW

_ADD = "INSERT INTO public_forms (sender, at) SELECT sender, $2 FROM unnest($1::text[]) AS sender"
_FORGET = "DELETE FROM public_forms WHERE at <= $1"
_NEWEST = "SELECT at FROM public_forms WHERE sender = $1 AND at > $3 ORDER BY at DESC OFFSET $2 - 1 LIMIT 1"


class PostgresPublicFormRepository:
    """Implements ``usecases.ports.public_forms.PublicFormRepository``."""

    def __init__(self, connection: DatabaseConnection) -> None:
        self._connection = connection

    async def add(self, senders: Sequence[str], now: dt.datetime) -> None:
        await self._connection.execute(_FORGET, now - WINDOW)
        await self._connection.execute(_ADD, list(senders), now)

    async def nth_newest(self, sender: str, n: int, since: dt.datetime) -> dt.datetime | None:
        at: dt.datetime | None = await self._connection.fetchval(_NEWEST, sender, n, since)
        return at
