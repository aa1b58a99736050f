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
SELECTION_HEADER = "Kierto-Pick"
PARTIAL_STATUS = 206
"""The status of a result of which only what was selected is there."""
MAX_CALLS = 64

RequestCalls = Annotated[list[tuple[str, msgspec.Raw]], msgspec.Meta(min_length=1, max_length=MAX_CALLS)]
ResponseAnswers = list[tuple[int, msgspec.Raw]]

decode_calls = msgspec.json.Decoder(RequestCalls).decode
"""The calls of a request's body; DecodeError if it is no such list."""

MAX_SELECTION_BYTES = 8_000
"""Bytes of what the field says, at most: all is sent to who would say more."""
MAX_ARGUMENT_BYTES = 1_000_000
"""Bytes of the arguments of a round trip: well below what a service takes, so that no read fails for its company."""

CallResponse = tuple[int, bytes | msgspec.Raw]
"""A status, and a result or problem details as JSON."""

decode_responses = msgspec.json.Decoder(ResponseAnswers).decode
"""The answers of an answer's body; DecodeError if it is no such list."""


class BatchOperation(Protocol):
    """What is asked for; ``call_prefix`` is how its calls begin."""

    @property
    def call_prefix(self) -> bytes: ...


class BatchCall(Protocol):
    """A call of an operation, with its arguments as JSON."""

    @property
    def operation(self) -> BatchOperation: ...

    @property
    def arguments(self) -> bytes: ...


def call_prefix(operation: str) -> bytes:
    """How a call of an operation begins, up to its arguments."""
    return b'["%b",' % operation.encode()


def encode_calls(calls: Iterable[BatchCall]) -> bytes:
    """The body of the request for these calls."""
    return b"[%b]]" % b"],".join([call.operation.call_prefix + call.arguments for call in calls])


def split_response(status: int, answer: bytes, calls: int) -> Sequence[CallResponse]:
    """The answer to each of so many calls, of the answer to the whole; 502 for what is none."""
    if status != 200:
        return [(status, answer)] * calls
    try:
        answers = decode_responses(answer)
    except msgspec.DecodeError:
        answers = []
    return answers if len(answers) == calls else [(502, b"")] * calls


def response_type(types: Sequence[Any], picked: Sequence[bool]) -> Any:
    """The type of an answer to a round trip, each call of which was answered with a result of one of these types."""
    statuses: list[Any] = [Literal[206] if part else Literal[200] for part in picked]
    calls = tuple(tuple[status, one] for status, one in zip(statuses, types, strict=True))  # type: ignore[valid-type]
    return tuple[calls]  # type: ignore[valid-type]


@functools.lru_cache(maxsize=1000)
def selection_field(selections: tuple[bytes, ...]) -> bytes:
    """The header field that says what to pick of each result; an empty selection is all of it."""
    said = b",".join(one or b"null" for one in selections)
    return (
        b"%b: [%b]\r\n" % (SELECTION_HEADER.encode(), said)
        if any(selections) and len(said) <= MAX_SELECTION_BYTES
        else b""
    )


def parse_selections(said: str | None, calls: int) -> Sequence[bytes]:
    """What the field says, for so many calls; nothing is picked where it does not say it for each of them."""
    if said:
        with contextlib.suppress(msgspec.DecodeError):
            found = _decode_selections(said)
            if len(found) == calls:
                return [b"" if (text := bytes(one)) == b"null" else text for one in found]
    return [b""] * calls


encode_responses = msgspec.json.Encoder().encode
_decode_selections = msgspec.json.Decoder(list[msgspec.Raw]).decode
