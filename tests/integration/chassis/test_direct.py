"""Requests for an endpoint are answered without ASGI; what is not whole, not alone or no plain POST goes by it."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from services.chassis import http_protocol
from services.chassis.direct import Answer, Request
from services.chassis.http_protocol import HttpProtocol, close_late
from services.chassis.process import Parts, server_config
from tests.support.serving import end_all, serving_by
from tests.support.wait import until


class Echo:
    """Answers with the body that came, by ASGI and directly, and counts both."""

    def __init__(self) -> None:
        self.by_asgi = self.directly = 0
        self.requests: list[Request] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.by_asgi += 1
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"kind", b"echo"), length]})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, request: Request, body: bytes) -> Answer:
        self.directly += 1
        self.requests.append(request)
        await self.go_on.wait()
        if self.fails:
            raise RuntimeError("it never should")
        return Answer(200, [(b"kind", b"echo")], body)


class Serving:
    """The server, what it serves, and its port."""

    def __init__(self, server: uvicorn.Server, echo: Echo, port: int) -> None:
        self.server = server
        self.echo = echo
        self.port = port

    @contextlib.asynccontextmanager
    async def client(self, host: str = "127.0.0.1") -> AsyncIterator["Client"]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(host, 0))
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()

    async def was_handed(self, requests: int) -> None:
        """Wait until so many requests were handed over."""
        await until(lambda: asyncio.sleep(0, self.echo.directly == requests))

    async def gone(self) -> bool:
        return not self.server.server_state.connections

    def connection(self) -> HttpProtocol:
        (one,) = self.server.server_state.connections
        assert isinstance(one, HttpProtocol)
        return one


class Client:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, *pieces: bytes) -> bytes:
        """The body of the answer to what is sent in these pieces."""
        for number, piece in enumerate(pieces):
            await asyncio.sleep(0.05 if number else 0)
            self.writer.write(piece)
        return (await self.answer())[1]

    async def answer(self) -> tuple[bytes, bytes]:
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            match = re.search(rb"content-length: (\d+)\r\n", head)
            assert match is not None, head
            return head, await self.reader.readexactly(int(match.group(1)))

    async def ended(self) -> bool:
        async with asyncio.timeout(60):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True


def asked(body: bytes, *fields: bytes, method: bytes = b"POST", path: bytes = b"/echo") -> bytes:
    lines = [b"%b %b HTTP/1.1" % (method, path), b"Host: x", *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
async def serving() -> AsyncIterator[Serving]:
    echo = Echo()
    parts = Parts(routes=[], checks={}, loops=[], endpoints={b"/echo": echo})
    async with serving_by(server_config(echo, parts=parts)) as (server, port):
        yield Serving(server, echo, port)
        end_all(server)


async def test_a_request_is_handed_over_and_its_answer_written(serving: Serving) -> None:
    async with serving.client() as client:
        client.writer.write(asked(b"first", b"X-One: a", b"x-one: b"))
        head, body = await client.answer()
        peer = client.writer.get_extra_info("sockname")
    date = rb"date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
    assert re.fullmatch(
        rb"HTTP/1.1 200 OK\r\n%b\r\nx-content-type-options: nosniff\r\nkind: echo\r\ncontent-length: 5\r\n\r\n" % date,
        head,
    )
    assert body == b"first"
    assert (serving.echo.by_asgi, serving.echo.directly) == (0, 1)
    (request,) = serving.echo.requests
    assert (request.method, request.query, request.peer) == ("POST", b"", peer)
    assert [value for name, value in request.headers if name == b"x-one"] == [b"a", b"b"]
    assert request.fields == {b"host": b"x", b"x-one": b"a", b"content-length": b"5"}


async def test_without_a_body(serving: Serving) -> None:
    async with serving.client() as client:
        assert [await client.ask(asked(b"")) for _ in range(3)] == [b"", b"", b""]
    assert serving.echo.directly == 3


@pytest.mark.parametrize(
    "request_",
    [
        asked(b"body", path=b"/other"),
        asked(b"body", method=b"PUT"),
        asked(b"body", b"Expect: 100-continue"),
        asked(b"body", b"Connection: upgrade", b"Upgrade: h2c"),
        asked(b"body", path=b"/echo?a=b"),
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_goes_by_asgi(serving: Serving, request_: bytes) -> None:
    async with serving.client() as client:
        for _ in range(3):
            client.writer.write(request_)
            head, body = await client.answer() if b"Expect" not in request_ else await _after_continue(client)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body in (b"body", b"")
    assert (serving.echo.by_asgi, serving.echo.directly) == (3, 0)


async def _after_continue(client: Client) -> tuple[bytes, bytes]:
    assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    return await client.answer()


async def test_who_closes_goes_by_asgi(serving: Serving) -> None:
    for _ in range(3):
        async with serving.client() as client:
            assert await client.ask(asked(b"body", b"Connection: close")) == b"body"
            assert await client.ended()
    assert serving.echo.directly == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [asked(b"body")[:10], asked(b"body")[10:]],
        [asked(b"body")[:-2], asked(b"body")[-2:]],
        [asked(b"body")[:-4], b"body"],
        [b"\r\n" + asked(b"body")],
    ],
)
async def test_what_comes_in_pieces_goes_its_way(serving: Serving, pieces: list[bytes]) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"once"))
        assert await client.ask(*pieces) == b"body"
        assert await client.ask(*pieces) == b"body"
        assert await client.ask(asked(b"last")) == b"last"
    assert serving.echo.by_asgi + serving.echo.directly == 4


def half_close(connection: HttpProtocol) -> None:
    connection.eof_received()
    connection.transport.close()


@pytest.mark.parametrize(
    "then", [half_close, HttpProtocol.shutdown, lambda connection: connection.data_received(b"\0 \r\n\r\n")]
)
async def test_an_answer_that_waits_for_the_end_of_its_turn_goes_before_all_else(serving: Serving, then: Any) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"0000"))
        serving.echo.go_on.clear()
        client.writer.write(asked(b"1111"))
        await serving.was_handed(2)
        serving.echo.go_on.set()
        await asyncio.sleep(0)
        then(serving.connection())
        head, body = await client.answer()
        assert (head[:15], body) == (b"HTTP/1.1 200 OK", b"1111")


async def test_several_at_once_are_answered_in_their_order(serving: Serving) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"0000"))
        client.writer.write(b"".join(asked(b"%04d" % number) for number in range(1, 20)))
        assert [(await client.answer())[1] for _ in range(1, 20)] == [b"%04d" % number for number in range(1, 20)]
        assert await client.ask(asked(b"last")) == b"last"


async def test_what_comes_while_one_is_answered_waits_for_it(serving: Serving) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"0000"))
        serving.echo.go_on.clear()
        for number in range(1, 6):
            client.writer.write(asked(b"%04d" % number))
            await asyncio.sleep(0.02)
        assert serving.echo.directly == 2
        serving.echo.go_on.set()
        assert [(await client.answer())[1] for _ in range(1, 6)] == [b"%04d" % number for number in range(1, 6)]


async def test_a_body_is_never_read_as_a_request(serving: Serving) -> None:
    """What looks like a request is the next one's body, also where its head came with the one before."""
    inner = asked(b"body")
    async with serving.client() as client:
        await client.ask(inner)
        outer = asked(inner, b"Outer: yes")
        head, body = outer[: -len(inner)], outer[-len(inner) :]
        client.writer.write(asked(b"first", b"Other: yes") + head)
        assert (await client.answer())[1] == b"first"
        client.writer.write(body)
        assert (await client.answer())[1] == inner
        assert await client.ask(inner) == b"body"
    assert serving.echo.directly == 2


async def test_a_client_that_leaves_meanwhile_harms_nobody(serving: Serving) -> None:
    async with serving.client() as client, serving.client() as other:
        await client.ask(asked(b"body"))
        serving.echo.go_on.clear()
        client.writer.write(asked(b"body"))
        await serving.was_handed(2)
        client.writer.transport.abort()
        await asyncio.sleep(0.05)
        serving.echo.go_on.set()
        assert await other.ask(asked(b"body")) == b"body"


async def test_an_application_that_fails_loses_its_connection(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"body"))
        serving.echo.fails = True
        client.writer.write(asked(b"body"))
        assert await client.ended()
    with caplog.at_level(logging.ERROR):
        await until(serving.gone)


async def test_a_client_that_reads_nothing_is_asked_nothing_more(serving: Serving) -> None:
    large = asked(b"x" * 60_000)
    async with serving.client() as client:
        await client.ask(large)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(1_000):
            client.writer.write(large)
        await asyncio.sleep(0.3)
        assert serving.echo.directly + serving.echo.by_asgi < 800, "the rest waits where it came from"
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(1_000):
            assert (await client.answer())[1] == b"x" * 60_000


async def test_who_is_answered_when_the_server_stops_is_told_that_it_was_the_last(serving: Serving) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"body"))
        serving.echo.go_on.clear()
        client.writer.write(asked(b"last"))
        await serving.was_handed(2)
        serving.server.should_exit = True
        await asyncio.sleep(0.3)
        serving.echo.go_on.set()
        head, body = await client.answer()
        assert b"connection: close\r\n" in head and body == b"last"
        assert await client.ended()


async def test_who_rests_too_long_is_left(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "_LOOK_S", 0.05)
    closing = asyncio.create_task(close_late(serving.server.server_state.connections))
    async with serving.client() as client:
        await client.ask(asked(b"body"))
        await client.ask(asked(b"body"))
        connection = serving.connection()
        now = asyncio.get_running_loop().time()
        assert not connection.is_late(now + connection.timeout_keep_alive - 1)
        assert connection.is_late(now + connection.timeout_keep_alive + 1)
        connection.timeout_keep_alive = 0.2  # type: ignore[assignment]
        assert await client.ended()
    closing.cancel()


async def test_a_head_that_stops_in_the_middle_is_late_after_others_too(serving: Serving) -> None:
    async with serving.client() as client:
        await client.ask(asked(b"body"))
        connection = serving.connection()
        loop = asyncio.get_running_loop()
        client.writer.write(asked(b"body")[:10])
        await until(lambda: asyncio.sleep(0, not connection._between))
        assert not connection.is_late(loop.time())
        assert connection.is_late(loop.time() + http_protocol.HEAD_S + 1)
