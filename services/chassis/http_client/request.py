"""A request as bytes. What is made here has been checked: no value can end its line and begin another.

``Start`` and ``Fields`` are made once and used often: a start for each operation, fields for each caller.
"""

import re
from collections.abc import Mapping
from typing import NewType

from services.chassis.http_client.address import Address

Start = NewType("Start", bytes)
"""The request line and the Host field (RFC 9112, sections 3 and 3.2)."""
Fields = NewType("Fields", bytes)
"""Field lines (RFC 9110, section 5; RFC 9112, section 5), each with its end."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # the answer to any of them may have a body; to a HEAD it has none
_TARGET = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
_OURS = {"host", "connection", "content-length", "transfer-encoding", "upgrade", "expect"}


def start(address: Address, method: str, path: str) -> Start:
    """The beginning of requests for ``path`` (percent-encoded already); ValueError if it is no such path or method."""
    target = address.prefix + path
    if method not in _METHODS or not _TARGET.fullmatch(target):
        raise ValueError("no method and path to ask for")
    return Start(f"{method} {target} HTTP/1.1\r\nHost: {address.authority}\r\n".encode("ascii"))


def fields(headers: Mapping[str, str]) -> Fields:
    """Headers as lines. ValueError for what is no name or value, and for those that say how the request is framed."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            # Without the value: it may be a token.
            raise ValueError(f"a header that HTTP does not allow: {name!r}")
        if name.lower() in _OURS:
            raise ValueError(f"{name} is the client's own to say")
    return Fields("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1"))


def whole(start: Start, fields: Fields, body: bytes) -> bytes:
    """A request with its whole body."""
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (start, fields, len(body), body)


def streamed(start: Start, fields: Fields) -> bytes:
    """The head of a request whose body comes in chunks (RFC 9112, section 7.1)."""
    return b"%b%bTransfer-Encoding: chunked\r\n\r\n" % (start, fields)


def chunk(piece: bytes) -> bytes:
    """A piece of such a body; the empty piece is its end."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
