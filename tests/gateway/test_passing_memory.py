"""Files of a hundred megabytes pass through a process of their own, which does not grow."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.gateway.house import serve
from tests.support.wait import until

PIECE = b"x" * 100_000
LARGE, SMALL = 1_000, 20
GROWTH = 8_000_000
"""Bytes: what is held of a file (half a megabyte at most), and what the allocator keeps of what passed."""


async def take(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return Response(b"%d" % size, 201, media_type="application/json")


async def show(request: Request) -> Response:
    return StreamingResponse(pieces(int(request.headers.get("if-none-match", "0"))), media_type="text/csv")


async def pieces(many: int) -> AsyncIterator[bytes]:
    for _ in range(many):
        yield PIECE


class Running:
    """The process, and the most memory that it was seen to have."""

    def __init__(self, pid: int, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._process = psutil.Process(pid)
        self._session = session

    async def ready(self) -> bool:
        try:
            async with self._session.get(self.url.replace("/file", "/readyz")) as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def upload(self, many: int) -> None:
        headers = {"Content-Type": "text/csv"}
        async with self._session.post(self.url, data=pieces(many), headers=headers) as response:
            assert (response.status, await response.json()) == (201, many * len(PIECE))

    async def download(self, many: int) -> None:
        size = 0
        async with self._session.get(self.url, headers={"If-None-Match": str(many)}) as response:
            async for piece in response.content.iter_any():
                size += len(piece)
        assert size == many * len(PIECE)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[list[int]]:
        """Its memory in bytes, again and again."""
        seen = [self._process.memory_info().rss]

        async def look() -> None:
            while True:
                seen.append(self._process.memory_info().rss)
                await asyncio.sleep(0.01)

        looking = asyncio.ensure_future(look())
        try:
            yield seen
        finally:
            looking.cancel()
            await asyncio.wait((looking,))


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Running]:
    routes = [Route("/file", take, methods=["POST"]), Route("/file", show)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serve(Starlette(routes=routes)) as service, aiohttp.ClientSession() as session:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.gateway.passing_process", str(port), service,
            cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            found = Running(process.pid, f"http://127.0.0.1:{port}/file", session)
            await until(found.ready)
            yield found
        finally:
            process.terminate()
            await process.wait()


async def test_large_files_pass_without_being_held() -> None:
    async with running() as gateway:
        for _ in range(3):
            await asyncio.gather(gateway.upload(SMALL), gateway.download(SMALL))
        async with gateway.watched() as seen:
            await asyncio.gather(gateway.upload(LARGE), gateway.download(LARGE))
        assert len(seen) > 10
        assert max(seen) - seen[0] < GROWTH
        print(f"{seen[0] / 1e6:.1f} MB before, {max(seen) / 1e6:.1f} MB at most, {len(seen)} looks")
