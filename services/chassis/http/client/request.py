"""A request as bytes. What is made here has been checked: no value can end its line and begin another.

``RequestPrefix`` and ``FieldLines`` are made once and used often: a start for each operation, fields for each caller.
"""

import re
from collections.abc import Mapping
from typing import NewType

from services.chassis.http.client.address import ServerAddress

RequestPrefix = NewType("RequestPrefix", bytes)
"""The request line and the Host field (RFC 9112, sections 3 and 3.2)."""
FieldLines = NewType("FieldLines", bytes)
"""Field lines (RFC 9110, section 5; RFC 9112, section 5), each with its end."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # the answer to any of them may have a body; to a HEAD it has none
_TARGET = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
_RESERVED_FIELDS = {"host", "connection", "content-length", "transfer-encoding", "upgrade", "expect"}


def request_prefix(address: ServerAddress, method: str, path: str) -> RequestPrefix:
    """The beginning of requests for ``path`` (percent-encoded already); ValueError if it is no such path or method."""
    target = address.prefix + path
    if method not in _METHODS or not _TARGET.fullmatch(target):
        raise ValueError("no method and path to ask for")
    return RequestPrefix(f"{method} {target} HTTP/1.1\r\nHost: {address.authority}\r\n".encode("ascii"))


def field_lines(headers: Mapping[str, str]) -> FieldLines:
    """Headers as lines. ValueError for what is no name or value, and for those that say how the request is framed."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            # Without the value: it may be a token.
            raise ValueError(f"a header that HTTP does not allow: {name!r}")
        if name.lower() in _RESERVED_FIELDS:
            raise ValueError(f"{name} is the client's own to say")
    return FieldLines("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1"))


def with_body(start: RequestPrefix, fields: FieldLines, body: bytes) -> bytes:
    """A request with its whole body."""
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (start, fields, len(body), body)


def chunked_head(start: RequestPrefix, fields: FieldLines) -> bytes:
    """The head of a request whose body comes in chunks (RFC 9112, section 7.1)."""
    return b"%b%bTransfer-Encoding: chunked\r\n\r\n" % (start, fields)


def chunk(piece: bytes) -> bytes:
    """A piece of such a body; the empty piece is its end."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)
