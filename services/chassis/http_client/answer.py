"""Answers, read from the pieces in which they come, whatever those pieces are.

A server begins its answers with the same few heads again and again, but for their length. To call the parser, and be
called by it for each field, takes longer than to know one of them again. Only the parser ever says what a head means.
"""

import re

import httptools
import msgspec

from services.chassis.http_client.errors import Malformed

LARGEST_HEAD = 65_536
"""Bytes of an answer's fields (trailers among them) at most."""
_MOST_KNOWN = 4
"""Heads of one connection that are known again, the newest first: one that says the time is new with each second."""
_LONGEST_LENGTH = 12
"""Digits."""
_LENGTH = re.compile(rb"\r\ncontent-length: ([0-9]{1,%d})\r\n" % _LONGEST_LENGTH, re.IGNORECASE)
_LINE_END, _END = b"\r\n", b"\r\n\r\n"
_WITHOUT_BODY = (204, 304)
"""Whatever length they say (RFC 9112, section 6.3, rule 1)."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """The head of an answer: its status, and its fields in their order and as they were written."""

    status: int
    headers: list[tuple[bytes, bytes]]

    def header(self, name: bytes) -> bytes | None:
        """The first value of a field; ``name`` in lower case (names have none, RFC 9110, section 5.1)."""
        return next((value for one, value in self.headers if one.lower() == name), None)


class Answer(Head, frozen=True, gc=False):
    """An answer with its whole body. Trailer fields are read and dropped (RFC 9110, section 6.5.1)."""

    body: bytes


class _Known(Head, frozen=True, gc=False):
    """A head that came before: its bytes ``before`` its length and ``after`` it, and where the length's field is."""

    before: bytes
    after: bytes
    at: int


class Part(msgspec.Struct, frozen=True, gc=False):
    """What came of an answer at one time: its head, once that is known, and some of its body, perhaps the last."""

    head: Head | None
    body: bytes
    last: bool


class AnswerReader:
    """Reads the answers of one connection, one after the other: each whole, or each in parts.

    ``largest``: bytes of a whole one at most, framing included. ``keep_alive``: after the last answer the connection
    may carry another request (RFC 9112, section 9.3).
    """

    def __init__(self, largest: int) -> None:
        self.keep_alive = False
        self._largest = largest
        self._parser = httptools.HttpResponseParser(self)
        self._refusal = ""
        self._known: list[_Known] = []
        self._begin()

    def _begin(self) -> None:
        self._status = 0  # known when its head is complete
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_size = 0
        self._body: list[bytes] = []
        self._size = 0
        self._complete = False

    def feed(self, piece: bytes) -> Answer | None:
        """The answer, once it is complete. Malformed for what is none; nothing can be read after that."""
        if not self._size and (known := self._known_again(piece)) is not None:
            return known
        self._size += len(piece)
        self._parse(piece)
        if self._size > self._largest or (self._size > LARGEST_HEAD and not self._status):
            raise Malformed("an answer too large")
        if not self._complete:
            return None
        came_whole = self._size == len(piece)
        answer = self._taken()
        if came_whole:
            self._learn(piece, answer)
        return answer

    def _known_again(self, piece: bytes) -> Answer | None:
        """The answer, if this is all of one, and its head came before with whatever length."""
        for known in self._known:
            if piece.startswith(known.before):
                first = len(known.before)
                last = piece.find(_LINE_END, first, first + _LONGEST_LENGTH + len(_LINE_END))
                if not piece.startswith(known.after, last):
                    continue
                length, end = piece[first:last], last + len(known.after)
                if not length.isdigit() or len(piece) != end + int(length) or len(piece) > self._largest:
                    return None
                self.keep_alive = True
                headers = known.headers.copy()
                headers[known.at] = headers[known.at][0], length
                return Answer(known.status, headers, piece[end:])
        return None

    def _learn(self, piece: bytes, answer: Answer) -> None:
        """Remember the head of an answer that came alone and whole, if its length is all that it says of its end."""
        end = piece.find(_END) + len(_END)
        found = _LENGTH.search(piece, 0, end)
        names = [name.lower() for name, _ in answer.headers]
        framed = [name for name in names if name in _FRAMED]
        if found is None or not self.keep_alive or framed != [b"content-length"] or answer.status in _WITHOUT_BODY:
            return
        if piece[end:] != answer.body:
            return  # it was the second answer in this piece: the first was an interim one
        first, last = found.span(1)
        at = names.index(b"content-length")
        self._known.insert(0, _Known(answer.status, answer.headers, piece[:first], piece[last:end], at))
        del self._known[_MOST_KNOWN:]

    def feed_part(self, piece: bytes) -> Part:
        """The part of an answer that is in this piece, whatever the size of the whole. Malformed as ``feed`` says."""
        self._size += len(piece)
        self._parse(piece)
        if self._body:
            self._size = 0  # what is counted is framing that brings nothing
        elif self._size > LARGEST_HEAD:
            raise Malformed("a head, or framing, too large")
        head = Head(self._status, self._headers) if self._status else None
        part = Part(head, b"".join(self._body), self._complete)
        if part.last:
            self._begin()
        else:
            self._body.clear()
        return part

    def end(self) -> Answer | None:
        """What the end of the connection makes of what came: the answer if only that ends its body, else nothing.

        RFC 9112, section 6.3, rule 8, and section 8: an answer that says its length is incomplete without it.
        """
        if not self._status or any(name.lower() in _FRAMED for name, _ in self._headers):
            return None
        self.keep_alive = False
        return self._taken()

    def _parse(self, piece: bytes) -> None:
        try:
            self._parser.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise Malformed(self._refusal or f"not HTTP: {error}") from None

    def _taken(self) -> Answer:
        body = self._body
        answer = Answer(self._status, self._headers, body[0] if len(body) == 1 else b"".join(body))
        self._begin()
        return answer

    def _refuse(self, reason: str) -> None:
        self._refusal = reason
        raise Malformed(reason)  # only to stop the parser, which puts an error of its own in its place

    # What the parser calls:

    def on_message_begin(self) -> None:
        if self._complete:
            # Never read as the answer to another request (RFC 9112, section 6.3, at its end).
            self._refuse("more bytes than the answer announced")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_size += len(name) + len(value) + 4
        if self._head_size > LARGEST_HEAD:
            self._refuse("a head too large")
        if len(name) == 17 and name.lower() == b"transfer-encoding" and value.lower() != b"chunked":
            self._refuse("a transfer coding that nobody asked for")  # RFC 9112, section 7.4: there was no TE field
        if not self._status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= 200:
            self._status = status
        elif status < 100 or status == 101:
            self._refuse("a status that answers nothing")  # 101: no upgrade was asked for
        else:
            self._headers = []  # an interim answer (RFC 9110, section 15.2): the real one is on its way

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        if self._status:
            self._complete = True
            self.keep_alive = self._parser.should_keep_alive()


_FRAMED = (b"content-length", b"transfer-encoding")
