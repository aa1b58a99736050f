"""An answer that nobody has read yet: whoever passes it on may read just what is asked of it."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec


class RawResult(msgspec.Struct, eq=False):
    """What a service answered, as JSON; ``kind`` is the type that the contract declares.

    ``partial``: of that only what was selected is there, and was checked.
    """

    json: bytes | msgspec.Raw
    kind: Any
    partial: bool = False

    def decoded(self) -> Any:
        """The answer as the contract declares it; msgspec.ValidationError if it is something else.

        Of a part nothing is declared: it is as JSON is.
        """
        return _decoder(Any if self.partial else self.kind).decode(self.json)


class ResultFraming(msgspec.Struct, frozen=True, eq=False):
    """How answers stand in one JSON text.

    ``whole(types, picked)`` is the type of the text if they are read as these types and none is a failure; ``framed``:
    each is the second of a pair then. ``apart(text, several, picked)`` is each by itself: Undecoded, or an exception.
    """

    type_of: Callable[[Sequence[Any], Sequence[bool]], Any]
    split: Callable[[bytes, Sequence[Any], Sequence[bool]], Sequence[Any]]
    has_statuses: bool


class RawBatchResult(msgspec.Struct, eq=False):
    """What ``several`` asked for, in one JSON text: for whoever can read all of it in one go.

    Each has the ``kind`` that the contract declares of its answer; ``picked`` says of which only a part was asked for.
    Whoever goes through it gets each answer by itself.
    """

    json: bytes
    framing: ResultFraming
    calls: Sequence[Any]
    partial: tuple[bool, ...]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.framing.split(self.json, self.calls, self.partial))


def decode_if_raw(value: Any) -> Any:
    """A value, decoded if it was not yet; a DecodeError in its place if it is not what was declared."""
    if type(value) is not RawResult:
        return value
    try:
        return value.decoded()
    except msgspec.DecodeError as error:
        return error


P = TypeVar("P")


def raw_client(client: P) -> P:
    """The same client, for whoever only passes its answers on: they come as they were sent, as ``RawResult``."""
    twin: P = client.undecoded  # type: ignore[attr-defined]
    return twin


@functools.cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)
