"""Wire format of a batch: several reads of one caller in one request.

``POST /rpc`` takes ``[["operation", {arguments}], ...]`` and responds 200 with ``[[status, body], ...]`` in the same
order: for each call the response of ``POST /rpc/<operation>``, a result or problem details. A failure of the whole
request (no valid token, a body that is no such list) is the response to every call.

A client that reads only some fields of the results states them in ``Kierto-Pick``, a list with a selection (see
``field_selection``) or null for each call. A result with only the selected fields has the status 206, a whole one 200;
a server may ignore the field. A single call takes the field in the same way.

Writes and public operations are never part of a batch: a retry for a lost read must not repeat a write, and a public
operation has another caller.
"""

import contextlib
import functools
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Protocol

import msgspec

PATH = "/rpc"
BATCH_OPERATION = "roundTrip"
"""Name of a batch in spans, and in the log and the metrics if it failed as a whole."""
SELECTION_HEADER = "Kierto-Pick"
PARTIAL_STATUS = 206
"""Status of a result with only the selected fields."""
MAX_CALLS = 64

RequestCalls = Annotated[list[tuple[str, msgspec.Raw]], msgspec.Meta(min_length=1, max_length=MAX_CALLS)]
ResponseAnswers = list[tuple[int, msgspec.Raw]]

decode_calls = msgspec.json.Decoder(RequestCalls).decode
"""Decode the calls of a request's body; raise DecodeError if it is no such list."""

MAX_SELECTION_BYTES = 8_000
"""Bytes of the header field at most; a larger one is not sent, and the results are whole."""
MAX_ARGUMENT_BYTES = 1_000_000
"""Bytes of a batch's arguments at most: well below the size of a request, so that no read fails for being batched."""

CallResponse = tuple[int, bytes | msgspec.Raw]
"""A status, and a result or problem details as JSON."""

decode_responses = msgspec.json.Decoder(ResponseAnswers).decode
"""Decode the responses in a response's body; raise DecodeError if it is no such list."""


class BatchOperation(Protocol):
    """An operation whose calls can be part of a batch."""

    @property
    def call_prefix(self) -> bytes:
        """The serialised beginning of its calls."""
        ...


class BatchCall(Protocol):
    """A call of an operation with its arguments as JSON."""

    @property
    def operation(self) -> BatchOperation: ...

    @property
    def arguments(self) -> bytes: ...


def call_prefix(operation: str) -> bytes:
    """Return the serialised beginning of an operation's calls, up to the arguments."""
    return b'["%b",' % operation.encode()


def encode_calls(calls: Iterable[BatchCall]) -> bytes:
    """Return the request body of these calls."""
    return b"[%b]]" % b"],".join([call.operation.call_prefix + call.arguments for call in calls])


def split_response(status: int, body: bytes, calls: int) -> Sequence[CallResponse]:
    """Return the response to each of ``calls`` calls; 502 for each if the body is malformed."""
    if status != 200:
        return [(status, body)] * calls
    try:
        responses = decode_responses(body)
    except msgspec.DecodeError:
        responses = []
    return responses if len(responses) == calls else [(502, b"")] * calls


def response_type(types: Sequence[Any], partial: Sequence[bool]) -> Any:
    """Return the type of a batch response whose calls all have results, of ``types``."""
    statuses: list[Any] = [Literal[206] if part else Literal[200] for part in partial]
    calls = tuple(tuple[status, one] for status, one in zip(statuses, types, strict=True))  # type: ignore[valid-type]
    return tuple[calls]  # type: ignore[valid-type]


@functools.lru_cache(maxsize=1000)
def selection_field(selections: tuple[bytes, ...]) -> bytes:
    """Return the header line with the selection of each result; an empty selection means the whole result."""
    value = b",".join(one or b"null" for one in selections)
    if not any(selections) or len(value) > MAX_SELECTION_BYTES:
        return b""
    return b"%b: [%b]\r\n" % (SELECTION_HEADER.encode(), value)


def parse_selections(value: str | None, calls: int) -> Sequence[bytes]:
    """Return the selection of each of ``calls`` calls; all are empty if the field's value does not match them."""
    if value:
        with contextlib.suppress(msgspec.DecodeError):
            selections = _decode_selections(value)
            if len(selections) == calls:
                return [b"" if (text := bytes(one)) == b"null" else text for one in selections]
    return [b""] * calls


encode_responses = msgspec.json.Encoder().encode
_decode_selections = msgspec.json.Decoder(list[msgspec.Raw]).decode
