"""HTTP by hand: requests that no client would write, over plain sockets, and what is answered."""

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import httptools
import msgspec

TIMEOUT_S = 60.0
"""How long an answer may take on a machine that is busy with other tests."""

ANSWER_TYPE = "application/graphql-response+json"


def http(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
    """A request of just these lines."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: kierto", *fields, "", "")).encode("latin-1") + body


def post(body: bytes, *fields: str, content_type: str | None = "application/json", accept: str = ANSWER_TYPE) -> bytes:
    """A POST of this body, with these fields beside the usual ones."""
    kind = [f"Content-Type: {content_type}"] if content_type is not None else []
    return http("POST", "/graphql", *kind, f"Accept: {accept}", f"Content-Length: {len(body)}", *fields, body=body)


def post_document(query: str, **beside: object) -> bytes:
    """A POST of a document."""
    return post(json.dumps({"query": query, **beside}).encode())


class RawResponse(msgspec.Struct):
    """What came back."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    complete: bool = False


class RequestCompleteness(enum.Enum):
    """What HTTP itself says of some bytes."""

    WHOLE = "a request"
    HALF = "the beginning of a request: whoever gets it waits"
    UPGRADE = "a request to talk otherwise"
    NONSENSE = "no HTTP"


class _RequestParser:
    def __init__(self) -> None:
        self.address = b""
        self.complete = 0

    def on_url(self, part: bytes) -> None:
        self.address += part

    def on_headers_complete(self) -> None:
        httptools.parse_url(self.address)

    def on_message_complete(self) -> None:
        self.complete += 1


def completeness_of(sent: bytes) -> RequestCompleteness:
    """What these bytes are, in the eyes of the parser that servers have, too."""
    request = _RequestParser()
    try:
        httptools.HttpRequestParser(request).feed_data(sent)
    except httptools.HttpParserUpgrade:
        return RequestCompleteness.UPGRADE
    except httptools.HttpParserError:
        return RequestCompleteness.NONSENSE
    return RequestCompleteness.WHOLE if request.complete else RequestCompleteness.HALF


class _ResponseParser:
    """``bodiless``: to a HEAD comes the head of an answer only, which its parser can't know."""

    def __init__(self, *, bodiless: bool) -> None:
        self.all: list[RawResponse] = []
        self.bodiless = bodiless
        self.parser = httptools.HttpResponseParser(self)

    @property
    def complete(self) -> int:
        return sum(one.complete for one in self.all)

    def on_message_begin(self) -> None:
        self.all.append(RawResponse())

    def on_header(self, name: bytes, value: bytes) -> None:
        self.all[-1].headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.all[-1].status = self.parser.get_status_code()
        self.all[-1].complete = self.bodiless

    def on_body(self, body: bytes) -> None:
        self.all[-1].body += body

    def on_message_complete(self) -> None:
        self.all[-1].complete = True


@contextlib.asynccontextmanager
async def connect(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(url: str, pieces: Sequence[bytes], wanted: int = 1) -> list[RawResponse]:
    """What is answered to these bytes, until there are so many answers or the server hangs up.

    TimeoutError if neither comes. Each piece is its own packet.
    """
    found = _ResponseParser(bodiless=pieces[0].startswith(b"HEAD "))
    async with asyncio.timeout(TIMEOUT_S), connect(url) as (reader, writer):
        with contextlib.suppress(ConnectionError):  # the server may have heard enough
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            while found.complete < wanted and (came := await reader.read(65536)):
                try:
                    found.parser.feed_data(came)
                except httptools.HttpParserUpgrade:
                    break
    return found.all


async def send_and_close(url: str, sent: bytes) -> None:
    """Send, and be gone."""
    async with asyncio.timeout(TIMEOUT_S), connect(url) as (_, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
