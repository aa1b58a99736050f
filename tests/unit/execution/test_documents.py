"""Cached documents are neither parsed nor validated again; the cache is bounded."""

from collections.abc import Iterator
from unittest.mock import Mock, patch

import pytest
import strawberry
from graphql import parse
from strawberry.schema import schema as strawberry_schema

from gateway.execution.documents import DocumentCache, DocumentCacheExtension


@strawberry.type
class Query:
    @strawberry.field
    def double(self, number: int) -> int:
        return 2 * number


@pytest.fixture
def documents() -> DocumentCache:
    return DocumentCache(max_documents=3, max_bytes=200)


@pytest.fixture
def schema(documents: DocumentCache) -> strawberry.Schema:
    return strawberry.Schema(Query, extensions=[lambda: DocumentCacheExtension(documents)])


@pytest.fixture
def parse_and_validate_calls() -> Iterator[tuple[Mock, Mock]]:
    """Record the calls that parse and validate."""
    with (
        patch("strawberry.schema.schema.parse", wraps=parse) as parsing,
        patch.object(strawberry_schema, "validate_document", wraps=strawberry_schema.validate_document) as validating,
    ):
        yield parsing, validating


async def test_a_text_is_parsed_and_validated_once(
    schema: strawberry.Schema, parse_and_validate_calls: tuple[Mock, Mock]
) -> None:
    for number in range(3):
        result = await schema.execute("query ($n: Int!) { double(number: $n) }", {"n": number})
        assert result.data == {"double": 2 * number}
        assert result.errors is None
    assert [mock.call_count for mock in parse_and_validate_calls] == [1, 1]


@pytest.mark.parametrize("text", ["{ double }", "{ double(number: 1) ", "{ triple }"])
async def test_an_invalid_text_is_rejected_each_time_and_not_cached(
    schema: strawberry.Schema, documents: DocumentCache, text: str
) -> None:
    first, second = await schema.execute(text), await schema.execute(text)
    assert first.errors
    assert [str(error) for error in first.errors] == [str(error) for error in second.errors or []]
    assert len(documents) == 0


def test_the_oldest_document_is_evicted_by_count(documents: DocumentCache) -> None:
    texts = [f"{{ double(number: {number}) }}" for number in range(4)]
    for text in texts[:3]:
        documents.get_or_add(parse(text))
    assert documents.find(texts[0]) is not None, "used: no longer the oldest"
    documents.get_or_add(parse(texts[3]))
    assert [documents.find(text) is not None for text in texts] == [True, False, True, True]
    documents.get_or_add(parse(texts[3]))
    assert documents.bytes == sum(len(text) for text in (texts[0], texts[2], texts[3]))


def test_the_oldest_documents_are_evicted_by_bytes(documents: DocumentCache) -> None:
    small, large = "{ double(number: 1) }", f"{{ double(number: 1) }} # {'ä' * 80}"
    for text in (small, large):
        documents.get_or_add(parse(text))
    assert documents.find(small) is None
    assert documents.bytes == len(large.encode())


def test_a_huge_text_is_not_cached() -> None:
    documents, text = DocumentCache(), f"{{ double(number: 1) }} # {'x' * 60_000}"
    documents.get_or_add(parse(text))
    assert (len(documents), documents.bytes) == (0, 0)
