"""The order of eviction and the bounds of the memory cache."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from gateway.persisted_documents.memory_cache import MemoryCache


def test_the_least_recently_used_text_is_evicted_first() -> None:
    texts = MemoryCache(max_texts=2)
    texts.store("a", "{ a }")
    texts.store("b", "{ b }")
    assert texts.find("a") == "{ a }"
    texts.store("c", "{ c }")
    assert [texts.find(one) for one in "abc"] == ["{ a }", None, "{ c }"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2_000), st.sampled_from("aä☃😀"))))
def test_it_is_bounded_in_texts_and_bytes(stored: list[tuple[int, int, str]]) -> None:
    texts = MemoryCache(max_texts=8, max_bytes=5_000)
    for name, length, letter in stored:
        texts.store(str(name), letter * length)
        assert len(texts) <= 8
        assert texts.bytes <= 5_000
    left = [text for text in (texts.find(str(name)) for name in range(21)) if text is not None]
    assert texts.bytes == sum(map(sys.getsizeof, left))
    assert len(texts) == len(left)
