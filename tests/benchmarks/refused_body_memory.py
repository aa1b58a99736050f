"""Memory growth of a gateway by requests that it refuses: bodies of a megabyte with invalid variables."""

import asyncio
import json
import time

import aiohttp
import msgspec
import psutil

from tests.support.stack import RunningStack

BODIES = 30_000
WARM_UP = 1_000
"""Number of bodies after which the process grows no more, unless it leaks."""
CONCURRENCY = 4

_LARGE = 999_000


class MemoryGrowth(msgspec.Struct, frozen=True):
    """Growth of resident memory in bytes, from after the first bodies to after all, and the seconds of that."""

    growth: int
    seconds: float


async def measure(stack: RunningStack) -> MemoryGrowth:
    """Send the bodies to the stack's gateway, a few at a time."""
    process = psutil.Process(stack.pid("gateway"))
    body = _body()
    async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session:
        await _send_bodies(session, stack, body, WARM_UP)
        before, began = process.memory_info().rss, time.perf_counter()
        await _send_bodies(session, stack, body, BODIES)
        return MemoryGrowth(process.memory_info().rss - before, time.perf_counter() - began)


async def _send_bodies(session: aiohttp.ClientSession, stack: RunningStack, body: bytes, number: int) -> None:
    remaining = iter(range(number))

    async def send() -> None:
        for _ in remaining:
            async with session.post(f"{stack.gateway}/graphql", data=body) as response:
                text = await response.read()
                assert b"INVALID_OPERATION" in text, text[:300]

    await asyncio.gather(*(send() for _ in range(CONCURRENCY)))


def _body() -> bytes:
    request = {
        "query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        "variables": {"ids": [*["x" * 180] * 900, {}]},
    }
    padding = "x" * (_LARGE - len(json.dumps(request)))
    return json.dumps({**request, "extensions": {"padding": padding}}).encode()
