"""A text's tokens and brackets, counted before anything else looks at it.

Nothing is judged here: what is no token is counted as one, and left to the parser.
"""

import re

import msgspec

# Each alternative ends where the token does or where the text does: no text is gone over twice.
_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:"""|\Z)'  # block string
    r'|"(?:[^"\\\n\r]++|\\.)*+"?'  # string
    r"|\#[^\n\r]*+"  # comment
    r"|\.\.\."
    r"|[-+.\w]++"  # name, number
    r"|[^\s,\ufeff]",  # punctuator
)


class TokenCounts(msgspec.Struct, frozen=True):
    """``tokens`` with comments; ``nesting``: the most brackets, of any kind, that are open at one place.

    ``name``: the characters of the longest name or number.
    """

    tokens: int
    nesting: int
    name: int


def count_tokens(text: str) -> TokenCounts:
    """What a text consists of; in time linear to it."""
    tokens = _TOKEN.findall(text)
    opened = nesting = name = 0
    for one in tokens:
        if one in "{[(":
            opened += 1
            nesting = max(nesting, opened)
        elif one in "}])":
            opened -= 1
        elif len(one) > name and one[0] not in '"#':
            name = len(one)
    return TokenCounts(len(tokens), nesting, name)
