"""Server of the Python contestants: uvicorn with the least options, and the gateway's check of tokens."""

import asyncio
from collections.abc import Callable

import msgspec
import uvicorn
import uvloop
from starlette.types import ASGIApp

from gateway.authentication import Authenticator
from gateway.settings import GatewaySettings
from services.chassis.auth.tokens import Verifier
from services.chassis.http.client.request import field_lines
from services.chassis.runtime import gc_tuning
from services.chassis.runtime.clock import SystemClock
from services.chassis.runtime.settings import load_or_exit
from services.contracts.identity.sessions import PublicKeys
from tests.benchmarks.contest.entries.backend import Backend

Make = Callable[[GatewaySettings, Authenticator, SystemClock], ASGIApp]


def serve(make: Make) -> None:
    """Serve the application until the process ends; it is built inside the running loop."""
    settings = load_or_exit(GatewaySettings, "gateway")
    gc_tuning.tune_gc()
    uvloop.run(_serve(make, settings))


async def _serve(make: Make, settings: GatewaySettings) -> None:
    clock = SystemClock(settings.time_zone, settings.clock_file)
    identity = Backend(settings.identity_url)

    async def public_keys() -> str:
        result = await identity.post(
            identity.start("/rpc/publicKeys"), b"{}", field_lines({"Content-Type": "application/json"})
        )
        return msgspec.json.decode(result, type=PublicKeys).jwks

    verifier = Verifier(public_keys, clock)
    while not await verifier.ready():
        await asyncio.sleep(0.1)
    config = uvicorn.Config(
        make(settings, Authenticator(verifier, clock), clock),
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
