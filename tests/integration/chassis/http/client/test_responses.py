"""Responses, and the reuse of their connections."""

import asyncio
from pathlib import Path

import pytest

from services.chassis.http.client.errors import ConnectionLost, MalformedResponse
from services.chassis.http.client.origin import Origin
from tests.integration.chassis.http.client.scripted_server import OK, Peer, echo_bodies, run_script, send_request

BEGIN = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (OK, 200, b"ok"),
        (BEGIN + b"Content-Length: 0\r\n\r\n", 200, b""),
        (BEGIN + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", 200, b"ok"),
        (BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nDigest: x\r\n\r\n", 200, b"ok"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\nno", 500, b"no"),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    ],
)
async def test_a_response_leaves_its_connection_reusable(data: bytes, status: int, body: bytes) -> None:
    async def twice(peer: Peer) -> None:
        await peer.answer(data)
        await peer.answer()
        await peer.gone()

    async with run_script(twice) as server:
        async with Origin(server.url) as origin:
            answer = await send_request(origin)
            assert (answer.status, answer.body) == (status, body)
            assert (await send_request(origin)).body == b"ok"
        assert server.opened == 1


@pytest.mark.parametrize(
    "data",
    [
        BEGIN + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_a_connection_that_the_response_ends_is_closed(data: bytes) -> None:
    async def once(peer: Peer) -> None:
        await peer.answer(data)
        await peer.gone()

    async with run_script(once, echo_bodies) as server, Origin(server.url) as origin:
        assert (await send_request(origin)).body == b"ok"
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Type: a/b\r\n\r\n"])
async def test_a_body_may_be_delimited_by_the_connections_end(begin: bytes) -> None:
    async def once(peer: Peer) -> None:
        await peer.answer(begin + b"o")
        await peer.send(b"k")
        peer.end()
        await peer.gone()

    async with run_script(once, echo_bodies) as server, Origin(server.url) as origin:
        assert (await send_request(origin)).body == b"ok"
        assert (await send_request(origin, b"next")).body == b"next"


async def test_a_body_delimited_by_the_connections_end_is_lost_at_a_reset() -> None:
    reached = asyncio.Event()

    async def once(peer: Peer) -> None:
        await peer.answer(b"HTTP/1.1 200 OK\r\n\r\npart")
        await reached.wait()
        peer.reset()

    async with run_script(once) as server, Origin(server.url) as origin:
        request = asyncio.ensure_future(send_request(origin))
        await asyncio.sleep(0)
        reached.set()
        with pytest.raises(ConnectionLost) as caught:
            await request
        assert caught.value.sent


@pytest.mark.parametrize(
    "data",
    [
        b"it is tea time\r\n",
        BEGIN + b"Content-Length: 2\r\n\r\nok and more",
        BEGIN + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        BEGIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        BEGIN + b"Content-Length: 20000\r\n\r\n" + b"x" * 20_000,
        BEGIN + b"\r\n" + b"x" * 20_000,
        BEGIN + b"X: " + b"x" * 20_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_a_connection_with_a_malformed_response_is_closed(data: bytes) -> None:
    async def once(peer: Peer) -> None:
        await peer.answer(data)
        await peer.gone()

    async with run_script(once, echo_bodies) as server, Origin(server.url, largest=10_000) as origin:
        with pytest.raises(MalformedResponse) as caught:
            await send_request(origin, repeatable=True)
        assert caught.value.sent
        assert (await send_request(origin, b"next")).body == b"next"
        assert server.opened == 2


@pytest.mark.parametrize(
    "whole",
    [OK, BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" + OK],
)
@pytest.mark.parametrize("ending", ["end", "reset", "close"])
async def test_a_truncated_response_is_lost(whole: bytes, ending: str) -> None:
    async def part(peer: Peer) -> None:
        # A connection for each place at which it can break off.
        await peer.answer(whole[: server.opened - 1])
        if ending == "reset":
            peer.reset()
        elif ending == "end":
            peer.end()
            await peer.gone()

    async with run_script(part) as server, Origin(server.url) as origin:
        for _ in range(len(whole)):
            with pytest.raises(ConnectionLost) as caught:
                await send_request(origin)
            assert caught.value.sent
        assert server.opened == len(whole)


async def test_a_response_may_arrive_byte_by_byte() -> None:
    async def slowly(peer: Peer) -> None:
        await peer.request()
        for place in range(len(OK)):
            await peer.send(OK[place : place + 1])
            await asyncio.sleep(0)
        await peer.answer()
        await peer.gone()

    async with run_script(slowly) as server, Origin(server.url) as origin:
        assert (await send_request(origin)).body == b"ok"
        assert (await send_request(origin)).body == b"ok"


async def test_the_bytes_of_a_request() -> None:
    requests: list[bytes] = []

    async def once(peer: Peer) -> None:
        requests.append(await peer.answer())
        await peer.gone()

    async with run_script(once) as server, Origin(server.url + "/prefix") as origin:
        await send_request(origin, b"the body")
    host = server.url.removeprefix("http://").encode()
    assert requests == [b"POST /prefix/asked HTTP/1.1\r\nHost: " + host + b"\r\nContent-Length: 8\r\n\r\nthe body"]


async def test_large_bodies_in_both_directions() -> None:
    body = bytes(range(256)) * 40_000
    async with run_script(echo_bodies) as server, Origin(server.url) as origin:
        for _ in range(3):
            assert (await send_request(origin, body)).body == body
        assert server.opened == 1


async def test_an_origin_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    async with run_script(echo_bodies, path=path) as server, Origin(server.url) as origin:
        for number in range(10):
            assert (await send_request(origin, b"%d" % number)).body == b"%d" % number
        assert server.opened == 1
    path.unlink(missing_ok=True)
    async with Origin(f"http+unix://{path}") as origin:
        with pytest.raises(ConnectionLost) as caught:
            await send_request(origin)
        assert not caught.value.sent
