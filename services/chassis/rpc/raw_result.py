"""Raw results: a service's JSON, which its reader decodes as far as it needs."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec


class RawResult(msgspec.Struct, eq=False):
    """The result of a call as JSON."""

    json: bytes | msgspec.Raw
    kind: Any
    """The type that the contract declares."""
    partial: bool = False
    """Whether the JSON has only the selected fields, which the service has validated."""

    def decoded(self) -> Any:
        """Return the result as declared, or raise msgspec.ValidationError; decode a partial one without a type."""
        return _decoder(Any if self.partial else self.kind).decode(self.json)


class ResultFraming(msgspec.Struct, frozen=True, eq=False):
    """Structure of several results in one JSON text."""

    type_of: Callable[[Sequence[Any], Sequence[bool]], Any]
    """Returns the type of the text from the types of the results and which are partial, if none is a failure."""
    split: Callable[[bytes, Sequence[Any], Sequence[bool]], Sequence[Any]]
    """Returns the RawResult or the exception of each call, from the text, the calls and which are partial."""
    has_statuses: bool
    """Whether each result is the second item of a pair, behind its status."""


class RawBatchResult(msgspec.Struct, eq=False):
    """The results of several calls in one JSON text, to be decoded in one go; iteration yields each by itself."""

    json: bytes
    framing: ResultFraming
    calls: Sequence[Any]
    """The calls, each with the declared ``kind`` of its result."""
    partial: tuple[bool, ...]
    """Which of the results have only the selected fields."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self.framing.split(self.json, self.calls, self.partial))


def decode_if_raw(value: Any) -> Any:
    """Return a value, decoded if it is raw; a DecodeError in its place if it is not as declared."""
    if type(value) is not RawResult:
        return value
    try:
        return value.decoded()
    except msgspec.DecodeError as error:
        return error


P = TypeVar("P")


def raw_client(client: P) -> P:
    """Return the client whose calls are deferred, with results as ``RawResult``."""
    raw: P = client.raw_client  # type: ignore[attr-defined]
    return raw


@functools.cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)
