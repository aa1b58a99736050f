"""A process of the chassis whose one response takes a second, for tests of the life cycle of processes.

``busy``: each iteration of its event loop takes long; ``failing``: a loop ends; ``unready``: a readiness check fails.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.chassis import process
from services.chassis.process import ProcessParts
from services.chassis.rpc.server import instrumented
from services.chassis.runtime.settings import ProcessSettings, SocketAddress

TURN_S = 0.05


async def slow(request: Request) -> PlainTextResponse:
    """Answer after a second; planted personal data in the query must not reach the log."""
    await asyncio.sleep(1)
    return PlainTextResponse("done")


async def no() -> bool:
    return False


async def yes() -> bool:
    return True


async def fails(stop: asyncio.Event) -> None:
    """Raise an error after a while, as a failing loop."""
    await asyncio.sleep(0.2)
    raise RuntimeError("a loop failed")


async def busy(stop: asyncio.Event) -> None:
    """Block each iteration of the event loop."""
    while not stop.is_set():
        time.sleep(TURN_S)
        await asyncio.sleep(0)


LOOPS = {"failing": fails, "busy": busy}


@contextlib.asynccontextmanager
async def assemble() -> AsyncIterator[ProcessParts]:
    unready = "unready" in sys.argv
    yield ProcessParts(
        routes=[Route("/slow", instrumented("slow", slow))],
        checks={"good": yes, "bad": no} if unready else {"good": yes},
        loops=[loop for name, loop in LOOPS.items() if name in sys.argv],
    )


if __name__ == "__main__":
    sys.exit(process.run("slow", ProcessSettings(listen=SocketAddress("127.0.0.1", int(sys.argv[1]))), assemble))
