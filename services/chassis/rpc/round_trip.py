"""Several reads of one caller in one request, as they are on the wire.

``POST /rpc`` takes ``[["operation", {arguments}], ...]`` and answers 200 with ``[[status, body], ...]`` in the same
order: to each call what ``POST /rpc/<operation>`` would have answered, a result or problem details. What keeps all of
them from an answer (no valid token, a body that is no such list) is the answer to the whole, and to each of them.

Who reads only a part of the results says so in ``Kierto-Pick``, a list with a selection (see ``picking``) or null for
each call. What was picked is answered as 206, what could not be as ever. Whoever does not know the field answers 200. A
call that travels alone may be asked for a part in the same way, and is answered with that status.

Writes and public operations travel alone: a write may not be repeated because a read beside it was lost, and a public
operation has another caller.
"""

import contextlib
import functools
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Protocol

import msgspec

PATH = "/rpc"
HEADER = "Kierto-Pick"
PICKED = 206
"""The status of a result of which only what was selected is there."""
MOST_CALLS = 64

Asked = Annotated[list[tuple[str, msgspec.Raw]], msgspec.Meta(min_length=1, max_length=MOST_CALLS)]
Answered = list[tuple[int, msgspec.Raw]]

asked = msgspec.json.Decoder(Asked).decode
"""The calls of a request's body; DecodeError if it is no such list."""

LARGEST_FIELD = 8_000
"""Bytes of what the field says, at most: all is sent to who would say more."""
LARGEST = 1_000_000
"""Bytes of the arguments of a round trip: well below what a service takes, so that no read fails for its company."""

Answer = tuple[int, bytes | msgspec.Raw]
"""A status, and a result or problem details as JSON."""

answered = msgspec.json.Decoder(Answered).decode
"""The answers of an answer's body; DecodeError if it is no such list."""


class Operation(Protocol):
    """What is asked for; ``opening`` is how its calls begin."""

    @property
    def opening(self) -> bytes: ...


class Call(Protocol):
    """A call of an operation, with its arguments as JSON."""

    @property
    def operation(self) -> Operation: ...

    @property
    def arguments(self) -> bytes: ...


def opening(operation: str) -> bytes:
    """How a call of an operation begins, up to its arguments."""
    return b'["%b",' % operation.encode()


def body(calls: Iterable[Call]) -> bytes:
    """The body of the request for these calls."""
    return b"[%b]]" % b"],".join([call.operation.opening + call.arguments for call in calls])


def each(status: int, answer: bytes, calls: int) -> Sequence[Answer]:
    """The answer to each of so many calls, of the answer to the whole; 502 for what is none."""
    if status != 200:
        return [(status, answer)] * calls
    try:
        answers = answered(answer)
    except msgspec.DecodeError:
        answers = []
    return answers if len(answers) == calls else [(502, b"")] * calls


def whole(types: Sequence[Any], picked: Sequence[bool]) -> Any:
    """The type of an answer to a round trip, each call of which was answered with a result of one of these types."""
    statuses: list[Any] = [Literal[206] if part else Literal[200] for part in picked]
    calls = tuple(tuple[status, one] for status, one in zip(statuses, types, strict=True))  # type: ignore[valid-type]
    return tuple[calls]  # type: ignore[valid-type]


@functools.lru_cache(maxsize=1000)
def field(selections: tuple[bytes, ...]) -> bytes:
    """The header field that says what to pick of each result; an empty selection is all of it."""
    said = b",".join(one or b"null" for one in selections)
    return b"%b: [%b]\r\n" % (HEADER.encode(), said) if any(selections) and len(said) <= LARGEST_FIELD else b""


def selections(said: str | None, calls: int) -> Sequence[bytes]:
    """What the field says, for so many calls; nothing is picked where it does not say it for each of them."""
    if said:
        with contextlib.suppress(msgspec.DecodeError):
            found = _selections(said)
            if len(found) == calls:
                return [b"" if (text := bytes(one)) == b"null" else text for one in found]
    return [b""] * calls


encode = msgspec.json.Encoder().encode
_selections = msgspec.json.Decoder(list[msgspec.Raw]).decode
