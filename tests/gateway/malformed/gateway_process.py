"""The gateway as a process of its own, over the cast of services, so that what it takes can be measured."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec
import psutil
from starlette.applications import Starlette

from services.chassis.ids import new_uuid
from services.contracts.identity import SubjectKind
from tests.gateway.gateway_fixture import serve_application
from tests.gateway.stubs.services import StubServices
from tests.support import quotas
from tests.support.polling import until
from tests.support.servers import ROOT, Servers, free_port_base

SERVICES = ("IDENTITY", "SITES", "ORDERS", "STATS", "SUPPORT")


class GatewayProcess(msgspec.Struct, frozen=True):
    """A gateway that is ready, and the client that asks it."""

    url: str
    services: StubServices
    process: psutil.Process
    session: aiohttp.ClientSession

    @property
    def megabytes(self) -> float:
        """What it holds in memory now."""
        size: int = self.process.memory_info().rss
        return size / 1e6

    def token(self, subject_id: str) -> str:
        return self.services.identity.token(subject_id, SubjectKind.USER)

    async def username(self, token: str) -> str:
        """What a good request is answered."""
        body = {"query": "{ me { username } }"}
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            assert response.status == 200, await response.text()
            username: str = (await response.json())["data"]["me"]["username"]
            return username


@contextlib.asynccontextmanager
async def run_gateway_process(
    servers: Servers, settings: Mapping[str, str] = quotas.UNLIMITED_QUOTAS
) -> AsyncIterator[GatewayProcess]:
    """``python -m gateway`` for the length of a block; it must stop by itself when it is told to."""
    cast, listen = StubServices(), f"127.0.0.1:{free_port_base()}"
    async with serve_application(Starlette(routes=cast.routes())) as services, aiohttp.ClientSession() as session:
        environment = {
            **{f"KIERTO_{name}_URL": f"{services}/{name.lower()}" for name in SERVICES},
            "KIERTO_ENV": "test",
            "KIERTO_LISTEN": listen,
            "KIERTO_KAFKA": servers.kafka,
            "KIERTO_REDIS_URL": servers.redis_url,
            "KIERTO_SERVICE_SECRET": new_uuid().hex,  # and so rates of its own
            **settings,
            "KIERTO_TRUSTED_PROXIES": '["127.0.0.0/8"]',  # a test says who asks
            "PYTHONPATH": str(ROOT),
            "PATH": os.environ["PATH"],
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "gateway"), env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        url = f"http://{listen}"

        async def ready() -> bool:
            assert process.returncode is None, "it ended"
            try:
                async with session.get(f"{url}/readyz") as response:
                    return response.status == 200
            except aiohttp.ClientConnectionError:
                return False

        try:
            await until(ready)
            yield GatewayProcess(url, cast, psutil.Process(process.pid), session)
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
