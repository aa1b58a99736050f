"""Answers, read from the pieces in which they come, whatever those pieces are."""

import httptools
import msgspec

from services.chassis.http.client.errors import MalformedResponse

MAX_HEAD_BYTES = 65_536
"""Bytes of an answer's fields (trailers among them) at most."""


class ResponseHead(msgspec.Struct, frozen=True, gc=False):
    """The head of an answer: its status, and its fields in their order and as they were written."""

    status: int
    headers: list[tuple[bytes, bytes]]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a field; ``name`` in lower case (names have none, RFC 9110, section 5.1)."""
        return next((value for one, value in self.headers if one.lower() == name), None)


class ClientResponse(ResponseHead, frozen=True, gc=False):
    """An answer with its whole body. Trailer fields are read and dropped (RFC 9110, section 6.5.1)."""

    body: bytes


class ResponsePart(msgspec.Struct, frozen=True, gc=False):
    """What came of an answer at one time: its head, once that is known, and some of its body, perhaps the last."""

    head: ResponseHead | None
    body: bytes
    last: bool


class ResponseReader:
    """Reads the answers of one connection, one after the other: each whole, or each in parts.

    ``largest``: bytes of a whole one at most, framing included. ``keep_alive``: after the last answer the connection
    may carry another request (RFC 9112, section 9.3).
    """

    def __init__(self, largest: int) -> None:
        self.keep_alive = False
        self._largest = largest
        self._parser = httptools.HttpResponseParser(self)
        self._rejection = ""
        self._begin()

    def _begin(self) -> None:
        self._status = 0  # known when its head is complete
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._body: list[bytes] = []
        self._size = 0
        self._complete = False

    def feed(self, piece: bytes) -> ClientResponse | None:
        """The answer, once it is complete. Malformed for what is none; nothing can be read after that."""
        self._size += len(piece)
        self._parse(piece)
        if self._size > self._largest or (self._size > MAX_HEAD_BYTES and not self._status):
            raise MalformedResponse("an answer too large")
        return self._finish() if self._complete else None

    def feed_part(self, piece: bytes) -> ResponsePart:
        """The part of an answer that is in this piece, whatever the size of the whole. Malformed as ``feed`` says."""
        self._size += len(piece)
        self._parse(piece)
        if self._body:
            self._size = 0  # what is counted is framing that brings nothing
        elif self._size > MAX_HEAD_BYTES:
            raise MalformedResponse("a head, or framing, too large")
        head = ResponseHead(self._status, self._headers) if self._status else None
        part = ResponsePart(head, b"".join(self._body), self._complete)
        if part.last:
            self._begin()
        else:
            self._body.clear()
        return part

    def end(self) -> ClientResponse | None:
        """What the end of the connection makes of what came: the answer if only that ends its body, else nothing.

        RFC 9112, section 6.3, rule 8, and section 8: an answer that says its length is incomplete without it.
        """
        if not self._status or any(name.lower() in _FRAMING_FIELDS for name, _ in self._headers):
            return None
        self.keep_alive = False
        return self._finish()

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedResponse(self._rejection or f"not HTTP: {error}") from None

    def _finish(self) -> ClientResponse:
        body = self._body
        answer = ClientResponse(self._status, self._headers, body[0] if len(body) == 1 else b"".join(body))
        self._begin()
        return answer

    def _reject(self, reason: str) -> None:
        self._rejection = reason
        raise MalformedResponse(reason)  # only to stop the parser, which puts an error of its own in its place

    # What the parser calls:

    def on_message_begin(self) -> None:
        if self._complete:
            # Never read as the answer to another request (RFC 9112, section 6.3, at its end).
            self._reject("more bytes than the answer announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > MAX_HEAD_BYTES:
            self._reject("a head too large")
        if len(name) == 17 and name.lower() == b"transfer-encoding" and value.lower() != b"chunked":
            self._reject("a transfer coding that nobody asked for")  # RFC 9112, section 7.4: there was no TE field
        if not self._status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        elif status < 100 or status == 101:
            self._reject("a status that answers nothing")  # 101: no upgrade was asked for
        else:
            self._headers = []  # an interim answer (RFC 9110, section 15.2): the real one is on its way

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self.keep_alive = self._parser.should_keep_alive()


_FRAMING_FIELDS = (b"content-length", b"transfer-encoding")
