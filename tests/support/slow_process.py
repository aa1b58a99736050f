"""A process of the chassis whose one answer takes a second, for tests of how processes live and stop."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from services.chassis import process
from services.chassis.process import Parts
from services.chassis.rpc.server import guarded
from services.chassis.settings import Address, ProcessSettings


async def slow(request: Request) -> PlainTextResponse:
    """Answer after a second; planted personal data in the query must not reach the log."""
    await asyncio.sleep(1)
    return PlainTextResponse("done")


async def no() -> bool:
    return False


async def yes() -> bool:
    return True


async def fails(stop: asyncio.Event) -> None:
    """A loop that ends by itself."""
    await asyncio.sleep(0.2)
    raise RuntimeError("a loop failed")


@contextlib.asynccontextmanager
async def assemble() -> AsyncIterator[Parts]:
    unready, failing = "unready" in sys.argv, "failing" in sys.argv
    yield Parts(
        routes=[Route("/slow", guarded("slow", slow))],
        checks={"good": yes, "bad": no} if unready else {"good": yes},
        loops=[fails] if failing else [],
    )


if __name__ == "__main__":
    sys.exit(process.run("slow", ProcessSettings(listen=Address("127.0.0.1", int(sys.argv[1]))), assemble))
