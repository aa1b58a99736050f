"""Media types: what a client sends and what it takes (GraphQL over HTTP, section 4; RFC 9110, section 12.5.1)."""

import functools

JSON = b"application/json"
GRAPHQL = b"application/graphql-response+json"
HTML = b"text/html"
JSON_EXPECTED = "application/json, in UTF-8"

_SUPPORTED = {b"*/*": JSON, b"application/*": JSON, JSON: JSON, GRAPHQL: GRAPHQL}


@functools.lru_cache(maxsize=500)
def is_json(content_type: bytes) -> bool:
    """Whether a body is declared to be JSON, which is UTF-8 (RFC 8259, section 8.1)."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    charsets = {
        value.strip(b'"') for name, _, value in (one.partition(b"=") for one in parameters) if name == b"charset"
    }
    return kind == JSON and charsets <= {b"utf-8"}


@functools.lru_cache(maxsize=500)
def negotiate(accept: bytes) -> bytes | None:
    """The media type to answer with; None if the client takes none that there is.

    Who says nothing, or that anything will do, gets ``application/json``: it is a client from before the other one.
    """
    wanted: list[tuple[float, bool, bytes]] = []
    refused = set()
    for kind, quality in _media_ranges(accept) or [(b"*/*", 1.0)]:
        found = _SUPPORTED.get(kind)
        if found is not None and quality > 0:
            wanted.append((quality, found == GRAPHQL, found))
        elif quality == 0:
            refused.add(kind)
    return next((found for _, _, found in sorted(wanted, reverse=True) if found not in refused), None)


@functools.lru_cache(maxsize=500)
def accepts_html(accept: bytes) -> bool:
    """Whether it is a browser that asks: it takes HTML, and names it."""
    return any(kind == HTML and quality > 0 for kind, quality in _media_ranges(accept))


def _media_ranges(accept: bytes) -> list[tuple[bytes, float]]:
    """Media ranges with their quality; what has no valid form is passed over."""
    found = []
    for one in accept.split(b","):
        kind, *parameters = (part.strip().lower() for part in one.split(b";"))
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
            found.append((kind, quality))
    return found
