"""Backups of services' databases."""

from collections.abc import Awaitable, Callable

import asyncpg

from services.chassis.db.postgres import Pool
from services.chassis.ids import new_uuid
from tests.integration.copies.services_fixture import ServicesFixture
from tests.support.servers import Servers


class Backup:
    """Backup of services' databases, made and restored while nothing is connected to them."""

    def __init__(
        self, services: ServicesFixture, servers: Servers, open_pool: Callable[[str], Awaitable[Pool]]
    ) -> None:
        self._services = services
        self._servers = servers
        self._open_pool = open_pool
        self._copies: dict[str, str] = {}

    async def make(self, name: str) -> None:
        self._copies[name] = f"test_{new_uuid().hex}"
        await self._copy(name, source=self._database(name), target=self._copies[name])

    async def restore(self, name: str) -> None:
        await self._copy(name, source=self._copies[name], target=self._database(name))

    async def delete(self) -> None:
        admin = await asyncpg.connect(self._servers.database_url("postgres"))
        for copy in self._copies.values():
            await admin.execute(f"DROP DATABASE IF EXISTS {copy}")
        await admin.close()

    async def _copy(self, name: str, *, source: str, target: str) -> None:
        await self._services.harnesses[name].pool.close()
        admin = await asyncpg.connect(self._servers.database_url("postgres"))
        await admin.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
        await admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", source)
        await admin.execute(f"CREATE DATABASE {target} TEMPLATE {source}")
        await admin.close()
        self._services.use_pool(name, await self._open_pool(self._services.urls[name]))

    def _database(self, name: str) -> str:
        return self._services.urls[name].rpartition("/")[2]
