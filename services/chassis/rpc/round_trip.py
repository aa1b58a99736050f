"""Several reads of one caller in one request, as they are on the wire.

``POST /rpc`` takes ``[["operation", {arguments}], ...]`` and answers 200 with ``[[status, body], ...]`` in the same
order: to each call what ``POST /rpc/<operation>`` would have answered, a result or problem details. What keeps all of
them from an answer (no valid token, a body that is no such list) is the answer to the whole, and to each of them.

Writes and public operations travel alone: a write may not be repeated because a read beside it was lost, and a public
operation has another caller.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec

PATH = "/rpc"
MOST_CALLS = 64

Asked = Annotated[list[tuple[str, msgspec.Raw]], msgspec.Meta(min_length=1, max_length=MOST_CALLS)]
Answered = list[tuple[int, msgspec.Raw]]

asked = msgspec.json.Decoder(Asked).decode
"""The calls of a request's body; DecodeError if it is no such list."""

LARGEST = 1_000_000
"""Bytes of the arguments of a round trip: well below what a service takes, so that no read fails for its company."""

Answer = tuple[int, bytes | msgspec.Raw]
"""A status, and a result or problem details as JSON."""

answered = msgspec.json.Decoder(Answered).decode
"""The answers of an answer's body; DecodeError if it is no such list."""


def body(calls: Iterable[tuple[str, bytes]]) -> bytes:
    """The body of the request for these operations with their arguments."""
    return encode([(operation, msgspec.Raw(arguments)) for operation, arguments in calls])


def each(status: int, answer: bytes, calls: int) -> Sequence[Answer]:
    """The answer to each of so many calls, of the answer to the whole; 502 for what is none."""
    if status != 200:
        return [(status, answer)] * calls
    try:
        answers = answered(answer)
    except msgspec.DecodeError:
        answers = []
    return answers if len(answers) == calls else [(502, b"")] * calls


def whole(types: Sequence[Any]) -> Any:
    """The type of an answer to a round trip, each call of which was answered with a result of one of these types."""
    calls = tuple(tuple[Literal[200], one] for one in types)  # type: ignore[valid-type]
    return tuple[calls]  # type: ignore[valid-type]


encode = msgspec.json.Encoder().encode
