"""Counts of a text's tokens and brackets, made before it is parsed.

Invalid characters count as tokens; the parser rejects them.
"""

import re

import msgspec

# Possessive quantifiers: no alternative backtracks, so the scan is linear.
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:"""|\Z)'  # block string
    r'|"(?:[^"\\\n\r]++|\\.)*+"?'  # string
    r"|\#[^\n\r]*+"  # comment
    r"|\.\.\."
    r"|[-+.\w]++"  # name, number
    r"|[^\s,\ufeff]",  # punctuator
)


class TokenCounts(msgspec.Struct, frozen=True):
    """The counts of a text."""

    tokens: int
    """The number of tokens, with comments."""
    nesting: int
    """The largest number of open brackets of any kind."""
    name: int
    """The characters of the longest name or number."""


def count_tokens(text: str) -> TokenCounts:
    """Count the tokens of a text, in time linear to it."""
    tokens = _TOKEN.findall(text)
    opened = nesting = name = 0
    for lexeme in tokens:
        if lexeme in "{[(":
            opened += 1
            nesting = max(nesting, opened)
        elif lexeme in "}])":
            opened -= 1
        elif len(lexeme) > name and lexeme[0] not in '"#':
            name = len(lexeme)
    return TokenCounts(len(tokens), nesting, name)
