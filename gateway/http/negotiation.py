"""Content negotiation by media types (GraphQL over HTTP, section 4; RFC 9110, section 12.5.1)."""

import functools

JSON = b"application/json"
GRAPHQL = b"application/graphql-response+json"
HTML = b"text/html"
JSON_EXPECTED = "application/json; charset=utf-8"

_SUPPORTED = {b"*/*": JSON, b"application/*": JSON, JSON: JSON, GRAPHQL: GRAPHQL}


@functools.lru_cache(maxsize=500)
def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON in UTF-8, the only charset of JSON (RFC 8259, section 8.1)."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    charsets = {
        value.strip(b'"') for name, _, value in (one.partition(b"=") for one in parameters) if name == b"charset"
    }
    return kind == JSON and charsets <= {b"utf-8"}


@functools.lru_cache(maxsize=500)
def negotiate(accept: bytes) -> bytes | None:
    """Return the response's media type; None if the client accepts neither.

    An absent ``Accept`` and ``*/*`` mean ``application/json``: the client may be older than the other type.
    """
    candidates: list[tuple[float, bool, bytes]] = []
    excluded = set()
    for kind, quality in _media_ranges(accept) or [(b"*/*", 1.0)]:
        media_type = _SUPPORTED.get(kind)
        if media_type is not None and quality > 0:
            candidates.append((quality, media_type == GRAPHQL, media_type))
        elif quality == 0:
            excluded.add(kind)
    return next((media for _, _, media in sorted(candidates, reverse=True) if media not in excluded), None)


@functools.lru_cache(maxsize=500)
def accepts_html(accept: bytes) -> bool:
    """Whether ``Accept`` names HTML, as a browser's does."""
    return any(kind == HTML and quality > 0 for kind, quality in _media_ranges(accept))


def _media_ranges(accept: bytes) -> list[tuple[bytes, float]]:
    """Return the media ranges with their quality; malformed ones are ignored."""
    ranges = []
    for element in accept.split(b","):
        kind, *parameters = (part.strip().lower() for part in element.split(b";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith(b"q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
            elif parameter.startswith(b"charset=") and parameter[8:].strip(b'"') != b"utf-8":
                quality = 0.0
        if kind and 0 <= quality <= 1:
            ranges.append((kind, quality))
    return ranges
