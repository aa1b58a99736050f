"""Conditional requests: validators and caching (RFC 9110, sections 8.8 and 13; RFC 9111).

A response is always produced; 304 spares its transfer. A 304 has the fields of the 200 except those that describe
content (RFC 9110, section 15.4.5).
"""

import re
from hashlib import blake2b

from services.chassis.http.server.endpoint import HeaderField

CACHE_PRIVATE = b"private, max-age=0, must-revalidate"
"""For callers: stored by their client only, revalidated before each use."""
CACHE_PUBLIC = b"public, max-age=0, must-revalidate"
"""For anonymous requesters: stored by shared caches, too."""
CACHE_NO_STORE = b"no-store"
"""For errors, which may be transient."""

VARY = b"Accept, Accept-Language, Authorization"

_ENTITY_TAG = rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*+")'
_ENTITY_TAGS = re.compile(rb"[ \t,]*+%b(?:[ \t]*+,[ \t,]*+%b)*+[ \t,]*+" % (_ENTITY_TAG, _ENTITY_TAG))
_OPAQUE_TAG = re.compile(_ENTITY_TAG)


def etag_of(body: bytes, media_type: bytes) -> bytes:
    """Return the strong entity tag of a representation (RFC 9110, section 8.8.3), of its bytes and its media type."""
    return b'"%b"' % blake2b(body, digest_size=16, key=media_type[:64]).hexdigest().encode()


def is_not_modified(if_none_match: bytes, etag: bytes) -> bool:
    """Whether ``If-None-Match`` matches an entity tag, so that the response is 304.

    By weak comparison with a list of tags or ``*`` (RFC 9110, section 13.1.2). A malformed value is ignored.
    """
    value = if_none_match.strip(b" \t")
    if value == b"*":
        return True
    return _ENTITY_TAGS.fullmatch(value) is not None and etag in _OPAQUE_TAG.findall(value)


def cache_fields(etag: bytes, *, signed_in: bool) -> list[HeaderField]:
    """Return the caching fields of a response to GET, for 200 and 304 alike."""
    return [
        (b"etag", etag),
        (b"cache-control", CACHE_PRIVATE if signed_in else CACHE_PUBLIC),
        (b"vary", VARY),
    ]
