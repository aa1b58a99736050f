"""What the Python contestants stand on: uvicorn at its leanest, and the gateway's own check of tokens."""

import asyncio
from collections.abc import Callable

import msgspec
import uvicorn
import uvloop
from starlette.types import ASGIApp

from gateway.access import Access
from gateway.settings import GatewaySettings
from services.chassis import garbage
from services.chassis.clock import SystemClock
from services.chassis.http_client.request import fields
from services.chassis.settings import load_or_exit
from services.chassis.tokens import Verifier
from services.contracts.identity import PublicKeys
from tests.benchmarks.contest.entries.backend import Backend

Make = Callable[[GatewaySettings, Access, SystemClock], ASGIApp]


def serve(make: Make) -> None:
    """Serve the application until the process is ended; it is made inside the running loop."""
    settings = load_or_exit(GatewaySettings, "gateway")
    garbage.settle()
    uvloop.run(_serve(make, settings))


async def _serve(make: Make, settings: GatewaySettings) -> None:
    clock = SystemClock(settings.time_zone, settings.clock_file)
    identity = Backend(settings.identity_url)

    async def public_keys() -> str:
        answer = await identity.post(
            identity.start("/rpc/publicKeys"), b"{}", fields({"Content-Type": "application/json"})
        )
        return msgspec.json.decode(answer, type=PublicKeys).jwks

    verifier = Verifier(public_keys, clock)
    while not await verifier.ready():
        await asyncio.sleep(0.1)
    config = uvicorn.Config(
        make(settings, Access(verifier, clock), clock),
        host=settings.listen.host,
        port=settings.listen.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    await uvicorn.Server(config).serve()
