"""An answer that nobody has read yet: whoever passes it on may read just what is asked of it."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec


class Undecoded(msgspec.Struct, eq=False):
    """What a service answered, as JSON; ``kind`` is the type that the contract declares.

    ``picked``: of that only what was selected is there, and was checked.
    """

    json: bytes | msgspec.Raw
    kind: Any
    picked: bool = False

    def decoded(self) -> Any:
        """The answer as the contract declares it; msgspec.ValidationError if it is something else.

        Of a part nothing is declared: it is as JSON is.
        """
        return _decoder(Any if self.picked else self.kind).decode(self.json)


class UndecodedTogether(Sequence[Any]):
    """What several asked for together, in one JSON text: for whoever can read all of it in one go.

    ``kinds`` are what the contract declares of each answer, ``picked`` says of which only a part was asked for, and
    ``whole(types, picked)`` is the type of the text if they are read as these types and none is a failure. As a
    sequence it is each answer by itself: Undecoded, or an exception.
    """

    def __init__(
        self,
        json: bytes,
        kinds: Sequence[Any],
        picked: tuple[bool, ...],
        whole: Callable[[Sequence[Any], Sequence[bool]], Any],
        apart: Callable[[], Sequence[Any]],
    ) -> None:
        self.json = json
        self.kinds = kinds
        self.picked = picked
        self.whole = whole
        self._take_apart = apart
        self._apart: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: Any) -> Any:
        if self._apart is None:
            self._apart = self._take_apart()
        return self._apart[index]


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
