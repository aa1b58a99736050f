"""Serialisation of requests. Every value is validated: none can end its line and begin another (CWE-113).

A ``RequestPrefix`` is made once an operation, and ``FieldLines`` once a caller; each is used for many requests.
"""

import re
from collections.abc import Mapping
from typing import NewType

from services.chassis.http.client.address import ServerAddress

RequestPrefix = NewType("RequestPrefix", bytes)
"""The request line and the Host field (RFC 9112, sections 3 and 3.2)."""
FieldLines = NewType("FieldLines", bytes)
"""Field lines with their CRLF (RFC 9110, section 5; RFC 9112, section 5)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}  # not HEAD, whose response has no body
_TARGET = re.compile(r"/[!-~]*")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
_RESERVED_FIELDS = {"host", "connection", "content-length", "transfer-encoding", "upgrade", "expect"}


def request_prefix(address: ServerAddress, method: str, path: str) -> RequestPrefix:
    """Return the first lines of requests for a percent-encoded path; raise ValueError for any other."""
    target = address.prefix + path
    if method not in _METHODS or not _TARGET.fullmatch(target):
        raise ValueError("no valid method and path")
    return RequestPrefix(f"{method} {target} HTTP/1.1\r\nHost: {address.authority}\r\n".encode("ascii"))


def field_lines(headers: Mapping[str, str]) -> FieldLines:
    """Return headers as lines; raise ValueError for malformed names and values, and for fields of the framing."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            # The message leaves the value out: it may be a token.
            raise ValueError(f"a header that HTTP does not allow: {name!r}")
        if name.lower() in _RESERVED_FIELDS:
            raise ValueError(f"{name} is set by the client itself")
    return FieldLines("".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1"))


def with_body(start: RequestPrefix, fields: FieldLines, body: bytes) -> bytes:
    """Return a request with its whole body."""
    return b"%b%bContent-Length: %d\r\n\r\n%b" % (start, fields, len(body), body)


def chunked_head(start: RequestPrefix, fields: FieldLines) -> bytes:
    """Return the head of a request with a chunked body (RFC 9112, section 7.1)."""
    return b"%b%bTransfer-Encoding: chunked\r\n\r\n" % (start, fields)


def chunk(data: bytes) -> bytes:
    """Return a chunk of such a body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)
