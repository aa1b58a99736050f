"""Incremental parser of responses."""

import httptools
import msgspec

from services.chassis.http.client.errors import MalformedResponse

MAX_HEAD_BYTES = 65_536
"""Bytes of a response's fields at most, trailer fields included."""


class ResponseHead(msgspec.Struct, frozen=True, gc=False):
    """The head of a response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """Header fields in their order and spelling."""

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a field; ``name`` is in lower case (RFC 9110, section 5.1)."""
        return next((value for one, value in self.headers if one.lower() == name), None)


class ClientResponse(ResponseHead, frozen=True, gc=False):
    """A response with its whole body. Trailer fields are dropped (RFC 9110, section 6.5.1)."""

    body: bytes


class ResponsePart(msgspec.Struct, frozen=True, gc=False):
    """The part of a response in one packet."""

    head: ResponseHead | None
    """The head, once it is complete."""
    body: bytes
    last: bool


class ResponseReader:
    """Reader of a connection's consecutive responses, each whole or in parts.

    ``largest`` limits the bytes of a whole response, framing included.
    """

    def __init__(self, largest: int) -> None:
        self.keep_alive = False
        """Whether the connection can carry another request after the last response (RFC 9112, section 9.3)."""
        self._largest = largest
        self._parser = httptools.HttpResponseParser(self)
        self._rejection = ""
        self._begin()

    def _begin(self) -> None:
        self._status = 0  # 0 until the head is complete
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._body: list[bytes] = []
        self._size = 0
        self._complete = False

    def feed(self, data: bytes) -> ClientResponse | None:
        """Parse bytes and return the response once it is complete. After MalformedResponse nothing can be read."""
        self._size += len(data)
        self._parse(data)
        if self._size > self._largest or (self._size > MAX_HEAD_BYTES and not self._status):
            raise MalformedResponse("an answer too large")
        return self._finish() if self._complete else None

    def feed_part(self, data: bytes) -> ResponsePart:
        """Parse bytes of a response of any size and return the part that they hold. Errors are those of ``feed``."""
        self._size += len(data)
        self._parse(data)
        if self._body:
            self._size = 0  # only framing without content is limited
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
        """Return the response if the end of the connection completes it, else None.

        It completes a response without a stated length (RFC 9112, section 6.3, rule 8); any other is incomplete
        (section 8).
        """
        if not self._status or any(name.lower() in _FRAMING_FIELDS for name, _ in self._headers):
            return None
        self.keep_alive = False
        return self._finish()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise MalformedResponse(self._rejection or f"not HTTP: {error}") from None

    def _finish(self) -> ClientResponse:
        body = self._body
        response = ClientResponse(self._status, self._headers, body[0] if len(body) == 1 else b"".join(body))
        self._begin()
        return response

    def _reject(self, reason: str) -> None:
        self._rejection = reason
        raise MalformedResponse(reason)  # stops the parser, which replaces the error by its own

    # Callbacks of the parser:

    def on_message_begin(self) -> None:
        if self._complete:
            # Extra bytes must never become the response to another request (RFC 9112, section 6.3, at its end).
            self._reject("more bytes than the answer announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > MAX_HEAD_BYTES:
            self._reject("a head too large")
        if len(name) == 17 and name.lower() == b"transfer-encoding" and value.lower() != b"chunked":
            self._reject("a transfer coding that was not requested")  # RFC 9112, section 7.4: the request had no TE
        if not self._status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        elif status < 100 or status == 101:
            self._reject("an invalid status")  # 101: the request asked for no upgrade
        else:
            self._headers = []  # an interim response (RFC 9110, section 15.2), which the final one follows

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self.keep_alive = self._parser.should_keep_alive()


_FRAMING_FIELDS = (b"content-length", b"transfer-encoding")
