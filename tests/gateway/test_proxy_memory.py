"""The proxy's memory: a process does not grow while files of a hundred megabytes pass."""

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

from tests.gateway.gateway_fixture import serve_application
from tests.support.polling import until

CHUNK = b"x" * 100_000
LARGE, SMALL = 1_000, 20
GROWTH = 8_000_000
"""Bytes: the buffers of a file (half a megabyte at most), and memory that the allocator keeps."""


async def receive_file(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return Response(b"%d" % size, 201, media_type="application/json")


async def send_file(request: Request) -> Response:
    return StreamingResponse(generate_chunks(int(request.headers.get("if-none-match", "0"))), media_type="text/csv")


async def generate_chunks(many: int) -> AsyncIterator[bytes]:
    for _ in range(many):
        yield CHUNK


class ProxyProcess:
    """The process, with a client and samples of its memory."""

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
        async with self._session.post(self.url, data=generate_chunks(many), headers=headers) as response:
            assert (response.status, await response.json()) == (201, many * len(CHUNK))

    async def download(self, many: int) -> None:
        size = 0
        async with self._session.get(self.url, headers={"If-None-Match": str(many)}) as response:
            async for piece in response.content.iter_any():
                size += len(piece)
        assert size == many * len(CHUNK)

    @contextlib.asynccontextmanager
    async def _sample_memory(self) -> AsyncIterator[list[int]]:
        """Sample the process's memory in bytes."""
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
async def run_proxy_process() -> AsyncIterator[ProxyProcess]:
    routes = [Route("/file", receive_file, methods=["POST"]), Route("/file", send_file)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serve_application(Starlette(routes=routes)) as service, aiohttp.ClientSession() as session:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.gateway.proxy_process", str(port), service,
            cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            proxy = ProxyProcess(process.pid, f"http://127.0.0.1:{port}/file", session)
            await until(proxy.ready)
            yield proxy
        finally:
            process.terminate()
            await process.wait()


async def test_large_files_are_not_buffered() -> None:
    async with run_proxy_process() as gateway:
        for _ in range(3):
            await asyncio.gather(gateway.upload(SMALL), gateway.download(SMALL))
        async with gateway._sample_memory() as seen:
            await asyncio.gather(gateway.upload(LARGE), gateway.download(LARGE))
        assert len(seen) > 10
        assert max(seen) - seen[0] < GROWTH
        print(f"{seen[0] / 1e6:.1f} MB before, {max(seen) / 1e6:.1f} MB at most, {len(seen)} looks")
