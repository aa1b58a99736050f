"""An answer that nobody has read yet: whoever passes it on may read just what is asked of it."""

import functools
from typing import Any, TypeVar

import msgspec


class Undecoded:
    """What a service answered, as JSON; ``kind`` is the type that the contract declares."""

    __slots__ = ("json", "kind")

    def __init__(self, json: bytes | msgspec.Raw, kind: Any) -> None:
        self.json = json
        self.kind = kind

    def decoded(self) -> Any:
        """The answer as the contract declares it; msgspec.ValidationError if it is something else."""
        return _decoder(self.kind).decode(self.json)


def as_declared(value: Any) -> Any:
    """A value, decoded if it was not yet; a DecodeError in its place if it is not what was declared."""
    if type(value) is not Undecoded:
        return value
    try:
        return value.decoded()
    except msgspec.DecodeError as error:
        return error


P = TypeVar("P")


def undecoded(client: P) -> P:
    """The same client, for whoever only passes its answers on: they come as they were sent, as ``Undecoded``."""
    twin: P = client.undecoded  # type: ignore[attr-defined]
    return twin


@functools.cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)
