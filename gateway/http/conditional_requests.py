"""Answers that a client keeps and asks for again: validators and caching (RFC 9110, sections 8.8 and 13; RFC 9111).

An answer is always worked out; what is spared by 304 is its way to the client. It has the same fields as the 200 would
have had, no content, and no field that describes content (RFC 9110, section 15.4.5).
"""

import re
from hashlib import blake2b

from services.chassis.http.server.endpoint import HeaderField

CACHE_PRIVATE = b"private, max-age=0, must-revalidate"
"""Kept by this caller's client alone, and asked about before each use."""
CACHE_PUBLIC = b"public, max-age=0, must-revalidate"
"""What strangers see; kept by caches on the way, too."""
CACHE_NO_STORE = b"no-store"
"""Refusals: what was not known a moment ago may be known now."""

VARY = b"Accept, Accept-Language, Authorization"
"""What an answer to a URL depends on."""

_ENTITY_TAG = rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*+")'
_ENTITY_TAGS = re.compile(rb"[ \t,]*+%b(?:[ \t]*+,[ \t,]*+%b)*+[ \t,]*+" % (_ENTITY_TAG, _ENTITY_TAG))
_OPAQUE_TAG = re.compile(_ENTITY_TAG)


def etag_of(body: bytes, media_type: bytes) -> bytes:
    """The strong entity tag of an answer (RFC 9110, section 8.8.3): the same bytes in another form have another."""
    return b'"%b"' % blake2b(body, digest_size=16, key=media_type[:64]).hexdigest().encode()


def is_not_modified(if_none_match: bytes, etag: bytes) -> bool:
    """Whether a client has this answer already, by its ``If-None-Match``: then 304 is enough.

    Weak comparison, a list of tags, or ``*`` (RFC 9110, section 13.1.2). A value of no valid form says nothing.
    """
    value = if_none_match.strip(b" \t")
    if value == b"*":
        return True
    return _ENTITY_TAGS.fullmatch(value) is not None and etag in _OPAQUE_TAG.findall(value)


def cache_fields(etag: bytes, *, signed_in: bool) -> list[HeaderField]:
    """The fields of an answer by GET, as 200 and as 304 has them."""
    return [
        (b"etag", etag),
        (b"cache-control", CACHE_PRIVATE if signed_in else CACHE_PUBLIC),
        (b"vary", VARY),
    ]
