"""The gateway as a separate process with stubs of its services, to measure its memory."""

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
from services.contracts.permission import SubjectKind
from tests.gateway.gateway_fixture import serve_application
from tests.gateway.stubs.services import StubServices
from tests.support import quotas
from tests.support.polling import until
from tests.support.servers import ROOT, Servers, free_port_base

SERVICES = ("IDENTITY", "SITES", "ORDERS", "STATS", "SUPPORT")


class GatewayProcess(msgspec.Struct, frozen=True):
    """A ready gateway process, and its client."""

    url: str
    services: StubServices
    process: psutil.Process
    session: aiohttp.ClientSession

    @property
    def megabytes(self) -> float:
        """Return the process's resident memory."""
        size: int = self.process.memory_info().rss
        return size / 1e6

    def token(self, subject_id: str) -> str:
        return self.services.identity.token(subject_id, SubjectKind.USER)

    async def username(self, token: str) -> str:
        """Return the username by a valid request."""
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
    """Run ``python -m gateway``; it has to stop by SIGTERM."""
    services, listen = StubServices(), f"127.0.0.1:{free_port_base()}"
    async with (
        serve_application(Starlette(routes=services.routes())) as services_url,
        aiohttp.ClientSession() as session,
    ):
        environment = {
            **{f"KIERTO_{name}_URL": f"{services_url}/{name.lower()}" for name in SERVICES},
            "KIERTO_ENV": "test",
            "KIERTO_LISTEN": listen,
            "KIERTO_KAFKA": servers.kafka,
            "KIERTO_REDIS_URL": servers.redis_url,
            "KIERTO_SERVICE_SECRET": new_uuid().hex,  # the key of its rates in Redis
            **settings,
            "KIERTO_TRUSTED_PROXIES": '["127.0.0.0/8"]',  # a test sets the client's address
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
            yield GatewayProcess(url, services, psutil.Process(process.pid), session)
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 60) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
