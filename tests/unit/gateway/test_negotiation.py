"""Content negotiation: the media type of a response."""

import pytest

from gateway.http.negotiation import GRAPHQL, JSON, accepts_html, is_json, negotiate


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        (b"", JSON),
        (b"*/*", JSON),
        (b"application/*", JSON),
        (b"application/json", JSON),
        (b"application/graphql-response+json", GRAPHQL),
        (b"Application/GraphQL-Response+JSON; charset=UTF-8", GRAPHQL),
        (b"application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        (b"application/json, application/graphql-response+json", GRAPHQL),
        (b"application/json, application/graphql-response+json;q=0.5", JSON),
        (b"text/html, */*;q=0.1", JSON),
        (b"application/json;q=0, */*", None),
        (b"application/json;q=0, application/graphql-response+json;q=0.1", GRAPHQL),
        (b"text/html", None),
        (b"application/json; charset=latin-1", None),
        (b"application/json;q=x", None),
        (b"image/png, ,;;,", None),
    ],
)
def test_the_media_type(accept: bytes, answer: bytes | None) -> None:
    assert negotiate(accept) == answer


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        (b"application/json", True),
        (b"Application/JSON ; Charset=UTF-8", True),
        (b'application/json; charset="utf-8"', True),
        (b"application/json; charset=utf-16", False),
        (b"application/graphql", False),
        (b"text/plain", False),
        (b"", False),
    ],
)
def test_json_content_types(content_type: bytes, json: bool) -> None:
    assert is_json(content_type) == json


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (b"text/html,application/xhtml+xml,*/*;q=0.8", True),
        (b"text/html;q=0, */*", False),
        (b"*/*", False),
        (b"application/json", False),
    ],
)
def test_accepting_html(accept: bytes, page: bool) -> None:
    assert accepts_html(accept) == page
