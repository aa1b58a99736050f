"""Downloads through the proxy: the limits, and the end of a transfer by either side."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.http.proxy import TransferLimits
from services.chassis.http.server import http_protocol
from services.chassis.problems import problem_response
from tests.gateway.proxy_fixture import (
    MAX_BYTES,
    SHORT_TIMEOUT_LIMITS,
    TRANSFER_LIMITS,
    endless,
    extensions_of,
    never_answers,
    proxy_to,
    proxy_to_script,
)
from tests.integration.chassis.http.client.scripted_server import Peer
from tests.support.polling import until


async def test_a_download_is_streamed() -> None:
    read = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b"line,code\r\n"
        await read.wait()
        yield b"1,MISSING\r\n"

    async def show(request: Request) -> Response:
        fields = {"Content-Disposition": 'attachment; filename="a.csv"', "ETag": '"1"', "X-Inside": "1"}
        return StreamingResponse(lines(), headers={**fields, "Set-Cookie": "a=b"}, media_type="text/csv")

    async with proxy_to(show) as gateway, gateway.session.get(gateway.url) as response:
        assert await response.content.readany() == b"line,code\r\n"
        read.set()
        assert await response.read() == b"1,MISSING\r\n"
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"] == 'attachment; filename="a.csv"'
        assert response.headers["ETag"] == '"1"'
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert not {"X-Inside", "Set-Cookie"} & set(response.headers)


@pytest.mark.parametrize("disposition", [None, 'inline; filename="a.csv"'])
async def test_a_download_is_always_an_attachment(disposition: str | None) -> None:
    async def show(request: Request) -> Response:
        fields = {"Content-Disposition": disposition} if disposition else None
        return Response(b"x", headers=fields, media_type="text/csv")

    async with proxy_to(show) as gateway, gateway.session.get(gateway.url) as response:
        assert response.headers["Content-Disposition"] == "attachment"


async def file_with_tag(request: Request) -> Response:
    """Answer with a file that has an entity tag and a length."""
    fields = {"ETag": '"1"', "Cache-Control": "private, max-age=60"}
    if request.headers.get("if-none-match") == '"1"':
        return Response(None, 304, fields)
    return Response(b"BEGIN:VCALENDAR", headers=fields, media_type="text/calendar")


async def test_a_304_is_forwarded() -> None:
    async with proxy_to(file_with_tag) as gateway:
        async with gateway.session.get(gateway.url, headers={"If-None-Match": '"1"'}) as response:
            assert (response.status, response.headers["ETag"], await response.read()) == (304, '"1"', b"")
        async with gateway.session.get(gateway.url, headers={"If-None-Match": '"0"'}) as response:
            assert (response.status, await response.read()) == (200, b"BEGIN:VCALENDAR")
            assert response.headers["Cache-Control"] == "private, max-age=60"


async def test_a_304_with_a_content_length() -> None:
    async def unchanged(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\n\r\n")
        await peer.gone()

    async with proxy_to_script(unchanged) as gateway, gateway.session.get(gateway.url) as response:
        assert (response.status, response.headers["ETag"]) == (304, "x")
        assert "Content-Length" not in response.headers


async def test_only_the_head() -> None:
    async with proxy_to(file_with_tag) as gateway, gateway.session.head(gateway.url) as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.headers["Content-Length"] == "15"
        assert response.headers["Content-Disposition"] == "attachment"


async def test_a_range_is_not_forwarded() -> None:
    async with (
        proxy_to(file_with_tag) as gateway,
        gateway.session.get(gateway.url, headers={"Range": "bytes=0-1"}) as got,
    ):
        assert (got.status, await got.read()) == (200, b"BEGIN:VCALENDAR")


@pytest.mark.parametrize(
    ("status", "problem", "forwarded", "code", "field"),
    [
        (401, "UNAUTHENTICATED", 401, "UNAUTHENTICATED", "WWW-Authenticate"),
        (403, "FORBIDDEN", 403, "FORBIDDEN", ""),
        (404, "NOT_FOUND", 404, "NOT_FOUND", ""),
        (409, "A_SECRET", 500, "UNEXPECTED", ""),
        (500, "UNEXPECTED", 500, "UNEXPECTED", ""),
        (503, "NOT_READY_YET", 503, "NOT_READY_YET", "Retry-After"),
    ],
)
async def test_the_services_error_is_forwarded(
    status: int, problem: str, forwarded: int, code: str, field: str
) -> None:
    async def refuse(request: Request) -> Response:
        return problem_response(status, "No", problem)

    async with proxy_to(refuse) as gateway, gateway.session.get(gateway.url) as response:
        answer = await response.json()
        assert (response.status, extensions_of(answer)["code"]) == (forwarded, code)
        assert field in {*response.headers, ""}
        assert response.headers["Cache-Control"] == "no-store"
        assert "SECRET" not in str(answer)


async def test_an_endless_error_of_a_service() -> None:
    async def goes_on(request: Request) -> Response:
        return StreamingResponse(endless(), 404, media_type="application/problem+json")

    async with proxy_to(goes_on) as gateway, gateway.session.get(gateway.url) as response:
        assert (response.status, extensions_of(await response.json())["code"]) == (500, "UNEXPECTED")


async def test_a_response_that_is_neither_a_file_nor_an_error() -> None:
    async def elsewhere(request: Request) -> Response:
        return Response(None, 302, {"Location": "/other"})

    async with proxy_to(elsewhere) as gateway, gateway.session.get(gateway.url, allow_redirects=False) as response:
        assert (response.status, "Location" in response.headers) == (502, False)


@pytest.mark.parametrize("field", ["Content-Type: text/html\r\nContent-Length: 1", f"Content-Length: {MAX_BYTES + 1}"])
async def test_a_file_beyond_the_limits(field: str) -> None:
    async def shows(peer: Peer) -> None:
        head = f"HTTP/1.1 200 OK\r\n{field}\r\n"
        head += "" if "Type" in field else "Content-Type: text/csv\r\n"
        await peer.answer(head.encode() + b"\r\n")
        await peer.gone()

    async with proxy_to_script(shows) as gateway, gateway.session.get(gateway.url) as response:
        assert (response.status, extensions_of(await response.json())["code"]) == (502, "UNAVAILABLE")


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
TRUNCATED = {
    "length": HEAD + b"Content-Length: 900000\r\n\r\nhalf",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
}
ENDS = [("length", "closes"), ("length", "resets"), ("length", "hangs")]
ENDS += [("chunked", "closes"), ("chunked", "resets"), ("chunked", "hangs"), ("chunked", "lies")]


@pytest.mark.parametrize(("framing", "ending"), ENDS)
async def test_an_incomplete_file_is_incomplete_for_the_client(framing: str, ending: str) -> None:
    read = asyncio.Event()

    async def breaks_off(peer: Peer) -> None:
        await peer.answer(TRUNCATED[framing])
        await read.wait()
        if ending == "resets":
            peer.reset()
        elif ending == "hangs":
            await peer.gone()
        elif ending == "lies":
            await peer.send(b"this is no chunk\r\n")
            await peer.gone()

    async with (
        proxy_to_script(breaks_off, SHORT_TIMEOUT_LIMITS if ending == "hangs" else TRANSFER_LIMITS) as gateway,
        gateway.session.get(gateway.url) as response,
    ):
        assert response.status == 200
        assert await response.content.readexactly(4) == b"half"
        read.set()
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.read(), 60)


async def test_a_download_that_exceeds_the_limit_is_aborted() -> None:
    async def show(request: Request) -> Response:
        return StreamingResponse(endless(), media_type="text/csv")

    async with proxy_to(show) as gateway, gateway.session.get(gateway.url) as response:
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.read(), 60)


async def test_a_service_that_sends_no_head() -> None:
    async with (
        proxy_to_script(never_answers, SHORT_TIMEOUT_LIMITS) as gateway,
        gateway.session.get(gateway.url) as response,
    ):
        assert (response.status, extensions_of(await response.json())["code"]) == (504, "UNAVAILABLE")


async def test_a_client_that_disconnects_aborts_the_service() -> None:
    ended = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        try:
            yield b"half"
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def show(request: Request) -> Response:
        return StreamingResponse(slowly(), media_type="text/csv")

    async with proxy_to(show) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"half"), 60)
        writer.transport.abort()
        await asyncio.wait_for(ended.wait(), 60)


def kernel_buffers() -> int:
    """Return the maximum of bytes that the kernel buffers for a connection (tcp(7))."""
    limits = (Path(f"/proc/sys/net/ipv4/tcp_{end}").read_text().split()[2] for end in ("rmem", "wmem"))
    return sum(map(int, limits))


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_client_that_reads_slowly_is_waited_for_until_a_timeout(
    goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "SLOW_READER_TIMEOUT_S", 60 if goes_on else 0.2)
    piece = b"x" * 100_000
    size, made = len(piece) * (200 + 2 * kernel_buffers() // len(piece)), 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal made
        while made < size:
            made += len(piece)
            yield piece
            await asyncio.sleep(0)

    async def show(request: Request) -> Response:
        return StreamingResponse(lines(), media_type="text/csv", headers={"Content-Length": str(size)})

    roomy = TransferLimits(media_types=("text/csv",), max_bytes=size, idle_timeout_s=30)
    async with proxy_to(show, roomy) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        before = -1

        async def stands() -> bool:
            nonlocal before
            before, same = made, before == made > 0
            await asyncio.sleep(0.05)
            return same

        await until(stands)
        assert made < size
        if goes_on:
            await asyncio.wait_for(reader.readexactly(size), 60)
        else:
            await gateway.await_idle()
        writer.transport.abort()
    assert (made == size) is goes_on
