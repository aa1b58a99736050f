"""Stub of a call that takes a selection: restricted results, and several results in one text, as from services."""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import msgspec

from services.chassis.rpc import batch_protocol
from services.chassis.rpc.field_selection import selection_encoder
from services.chassis.rpc.raw_result import RawBatchResult, RawResult, ResultFraming


class SelectingCall:
    """One call. ``find`` returns its value and the value's JSON, or raises; ``kind`` is the declared type."""

    def __init__(self, find: Callable[[], tuple[Any, bytes]], kind: Any) -> None:
        self.kind = kind
        self._find = find
        self._selection = b""

    def select_fields(self, selection: bytes) -> None:
        self._selection = selection

    def __await__(self) -> Generator[None, None, RawResult]:
        yield
        return RawResult(self._find()[1], self.kind)

    @staticmethod
    async def await_batch(several: Sequence["SelectingCall"]) -> Iterable[Any]:
        responses = [one._sent() for one in several]

        def split(*_: object) -> Sequence[Any]:
            return [
                response
                if isinstance(response, Exception)
                else RawResult(response[1], one.kind, partial=response[0] == batch_protocol.PARTIAL_STATUS)
                for one, response in zip(several, responses, strict=True)
            ]

        text = batch_protocol.encode_responses(
            [(500, None) if isinstance(one, Exception) else (one[0], _raw(one[1])) for one in responses]
        )
        partial = tuple(one._selection != b"" for one in several)
        return RawBatchResult(
            text, ResultFraming(batch_protocol.response_type, split, has_statuses=True), several, partial
        )

    def _sent(self) -> tuple[int, bytes] | Exception:
        try:
            value, whole = self._find()
        except Exception as error:
            return error
        if (
            self._selection
            and (encode := selection_encoder(self.kind, self._selection))
            and (part := encode(value)) is not None
        ):
            return batch_protocol.PARTIAL_STATUS, part
        return 200, whole


def _raw(text: bytes) -> Any:
    """Return the text, or a value of an unexpected type if it is no JSON."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return "no JSON"
    return msgspec.Raw(text)
