"""HTTP by hand: requests that no client would write, over plain sockets, and what is answered."""

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import httptools
import msgspec

WITHIN_S = 60.0
"""How long an answer may take on a machine that is busy with other tests."""

ANSWER_TYPE = "application/graphql-response+json"


def http(method: str, target: str, *fields: str, body: bytes = b"") -> bytes:
    """A request of just these lines."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: kierto", *fields, "", "")).encode("latin-1") + body


def post(body: bytes, *fields: str, content_type: str | None = "application/json", accept: str = ANSWER_TYPE) -> bytes:
    """A POST of this body, with these fields beside the usual ones."""
    kind = [f"Content-Type: {content_type}"] if content_type is not None else []
    return http("POST", "/graphql", *kind, f"Accept: {accept}", f"Content-Length: {len(body)}", *fields, body=body)


def asking(query: str, **beside: object) -> bytes:
    """A POST of a document."""
    return post(json.dumps({"query": query, **beside}).encode())


class Answer(msgspec.Struct):
    """What came back."""

    status: int = 0
    fields: dict[str, str] = {}
    body: bytes = b""
    complete: bool = False


class Kind(enum.Enum):
    """What HTTP itself says of some bytes."""

    WHOLE = "a request"
    HALF = "the beginning of a request: whoever gets it waits"
    UPGRADE = "a request to talk otherwise"
    NONSENSE = "no HTTP"


class _Request:
    def __init__(self) -> None:
        self.address = b""
        self.complete = 0

    def on_url(self, part: bytes) -> None:
        self.address += part

    def on_headers_complete(self) -> None:
        httptools.parse_url(self.address)

    def on_message_complete(self) -> None:
        self.complete += 1


def kind_of(sent: bytes) -> Kind:
    """What these bytes are, in the eyes of the parser that servers have, too."""
    request = _Request()
    try:
        httptools.HttpRequestParser(request).feed_data(sent)
    except httptools.HttpParserUpgrade:
        return Kind.UPGRADE
    except httptools.HttpParserError:
        return Kind.NONSENSE
    return Kind.WHOLE if request.complete else Kind.HALF


class _Answers:
    """``bodiless``: to a HEAD comes the head of an answer only, which its parser can't know."""

    def __init__(self, *, bodiless: bool) -> None:
        self.all: list[Answer] = []
        self.bodiless = bodiless
        self.parser = httptools.HttpResponseParser(self)

    @property
    def complete(self) -> int:
        return sum(one.complete for one in self.all)

    def on_message_begin(self) -> None:
        self.all.append(Answer())

    def on_header(self, name: bytes, value: bytes) -> None:
        self.all[-1].fields[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.all[-1].status = self.parser.get_status_code()
        self.all[-1].complete = self.bodiless

    def on_body(self, body: bytes) -> None:
        self.all[-1].body += body

    def on_message_complete(self) -> None:
        self.all[-1].complete = True


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answers(url: str, pieces: Sequence[bytes], wanted: int = 1) -> list[Answer]:
    """What is answered to these bytes, until there are so many answers or the server hangs up.

    TimeoutError if neither comes. Each piece is its own packet.
    """
    found = _Answers(bodiless=pieces[0].startswith(b"HEAD "))
    async with asyncio.timeout(WITHIN_S), connected(url) as (reader, writer):
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


async def send_and_leave(url: str, sent: bytes) -> None:
    """Send, and be gone."""
    async with asyncio.timeout(WITHIN_S), connected(url) as (_, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
