"""The port of routes."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.orders.domain.routes import Route


class RouteRepository(Protocol):
    """Routes."""

    async def by_number(self, numbers: Collection[str]) -> dict[str, Route]: ...

    async def save(self, routes: Sequence[Route]) -> None: ...
