"""Counts of tokens and brackets equal those of graphql-core's lexer."""

import time

import pytest
from graphql import GraphQLSyntaxError, Lexer, Source, TokenKind
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.limits.token_counts import count_tokens

_PIECES = ["{", "}", "(", ")", "[", "]", "...", "$", "a", "on", "_1", "0", "-1.5e+3", '"a b"', '""', '"\\"{"', "|", "&"]
_BLOCKS = ['"""{[("""', '"""\\""""""', '""" " "" \\ """', '""""""', "# { comment", "#"]


def by_lexer(text: str) -> tuple[int, int]:
    """Return the number of tokens and the deepest nesting of brackets; raise GraphQLSyntaxError for other text."""
    lexer = Lexer(Source(text))
    tokens = opened = nesting = 0
    while lexer.advance().kind is not TokenKind.EOF:
        opened += {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}.get(lexer.token.kind.value, 0)
        nesting = max(nesting, opened)
    token = lexer.token
    while token.prev is not None:
        token = token.prev
        tokens += token.kind is not TokenKind.SOF
    return tokens, nesting


def check(text: str) -> None:
    counts = count_tokens(text)
    assert (counts.tokens, counts.nesting) == by_lexer(text)


@given(st.lists(st.sampled_from(_PIECES + _BLOCKS)))
def test_counts_of_tokens(pieces: list[str]) -> None:
    check("\n".join(pieces))


@given(st.text(alphabet='{}[]()"\\#.a \n,'))
def test_counts_of_random_text(text: str) -> None:
    try:
        by_lexer(text)
    except GraphQLSyntaxError:
        count_tokens(text)
    else:
        check(text)


@pytest.mark.parametrize("piece", ['"', '"""', '\\"""', ' \\"""', '"\\', "\\", "#", "{", ".", "-", "a ", "é", '" """'])
def test_counting_takes_linear_time(piece: str) -> None:
    for start in ("", '"', '"""'):
        began = time.process_time()
        count_tokens(start + piece * (50_000 // len(piece)))
        assert time.process_time() - began < 2
