"""Raw HTTP over sockets: requests that no HTTP client writes, and their responses."""

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import httptools
import msgspec

TIMEOUT_S = 60.0
"""Timeout of a response, on a machine that is busy with other tests."""

ANSWER_TYPE = "application/graphql-response+json"


def http(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
    """Encode a request of exactly these lines."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: kierto", *fields, "", "")).encode("latin-1") + body


def post(body: bytes, *fields: str, content_type: str | None = "application/json", accept: str = ANSWER_TYPE) -> bytes:
    """Encode a POST with these fields and the usual ones."""
    kind = [f"Content-Type: {content_type}"] if content_type is not None else []
    return http("POST", "/graphql", *kind, f"Accept: {accept}", f"Content-Length: {len(body)}", *fields, body=body)


def post_document(query: str, **beside: object) -> bytes:
    """Encode a POST of a document."""
    return post(json.dumps({"query": query, **beside}).encode())


class RawResponse(msgspec.Struct):
    """A response."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    complete: bool = False


class RequestCompleteness(enum.Enum):
    """The completeness of a request by HTTP's framing."""

    WHOLE = "a request"
    HALF = "an incomplete request: the server waits for the rest"
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
    """Return the completeness of a request, by the parser of the server."""
    request = _RequestParser()
    try:
        httptools.HttpRequestParser(request).feed_data(sent)
    except httptools.HttpParserUpgrade:
        return RequestCompleteness.UPGRADE
    except httptools.HttpParserError:
        return RequestCompleteness.NONSENSE
    return RequestCompleteness.WHOLE if request.complete else RequestCompleteness.HALF


class _ResponseParser:
    """The response parser; ``bodiless``: of a HEAD, whose response has no body."""

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
    """Open a connection to a server."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(url: str, pieces: Sequence[bytes], wanted: int = 1) -> list[RawResponse]:
    """Send bytes and return the responses, until there are ``wanted`` ones or the server closes.

    TimeoutError if neither happens. Each piece is a packet of its own.
    """
    parser = _ResponseParser(bodiless=pieces[0].startswith(b"HEAD "))
    async with asyncio.timeout(TIMEOUT_S), connect(url) as (reader, writer):
        with contextlib.suppress(ConnectionError):  # the server may close early
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            while parser.complete < wanted and (came := await reader.read(65536)):
                try:
                    parser.parser.feed_data(came)
                except httptools.HttpParserUpgrade:
                    break
    return parser.all


async def send_and_close(url: str, sent: bytes) -> None:
    """Send bytes and close the connection."""
    async with asyncio.timeout(TIMEOUT_S), connect(url) as (_, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
