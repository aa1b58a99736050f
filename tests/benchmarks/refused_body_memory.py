"""How much a gateway grows by requests that it refuses: bodies of a megabyte, whose variables are wrong."""

import asyncio
import json
import time

import aiohttp
import msgspec
import psutil

from tests.support.stack import RunningStack

BODIES = 30_000
BEFORE = 1_000
"""After so many it is as large as it gets, if nothing is left of them."""
AT_ONCE = 4

_LARGE = 999_000


class MemoryGrowth(msgspec.Struct, frozen=True):
    """``growth``: bytes of resident memory, from after the first bodies to after all; ``seconds`` that these took."""

    growth: int
    seconds: float


async def measure(stack: RunningStack) -> MemoryGrowth:
    """Send them to the stack's gateway, a few at a time."""
    process = psutil.Process(stack.pid("gateway"))
    body = _body()
    async with aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session:
        await _refused(session, stack, body, BEFORE)
        before, began = process.memory_info().rss, time.perf_counter()
        await _refused(session, stack, body, BODIES)
        return MemoryGrowth(process.memory_info().rss - before, time.perf_counter() - began)


async def _refused(session: aiohttp.ClientSession, stack: RunningStack, body: bytes, many: int) -> None:
    left = iter(range(many))

    async def send() -> None:
        for _ in left:
            async with session.post(f"{stack.gateway}/graphql", data=body) as response:
                answer = await response.read()
                assert b"INVALID_OPERATION" in answer, answer[:300]

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))


def _body() -> bytes:
    request = {
        "query": "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        "variables": {"ids": [*["x" * 180] * 900, {}]},
    }
    padding = "x" * (_LARGE - len(json.dumps(request)))
    return json.dumps({**request, "extensions": {"padding": padding}}).encode()
