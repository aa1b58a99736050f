"""Reads of a service that sends what was selected, if that is as declared, and several with one text, as ours do."""

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

import msgspec

from services.chassis.rpc import batch_protocol
from services.chassis.rpc.field_selection import selection_encoder
from services.chassis.rpc.raw_result import RawBatchResult, RawResult, ResultFraming


class SelectingCall:
    """One read. ``find`` gives its value and the whole of that as JSON, or raises; ``kind`` is what is declared."""

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
        answers = [one._sent() for one in several]

        def apart(*_: object) -> Sequence[Any]:
            return [
                answer
                if isinstance(answer, Exception)
                else RawResult(answer[1], one.kind, partial=answer[0] == batch_protocol.PARTIAL_STATUS)
                for one, answer in zip(several, answers, strict=True)
            ]

        text = batch_protocol.encode_responses(
            [(500, None) if isinstance(one, Exception) else (one[0], _raw(one[1])) for one in answers]
        )
        picked = tuple(one._selection != b"" for one in several)
        return RawBatchResult(
            text, ResultFraming(batch_protocol.response_type, apart, has_statuses=True), several, picked
        )

    def _sent(self) -> tuple[int, bytes] | Exception:
        try:
            value, whole = self._find()
        except Exception as error:
            return error
        if (
            self._selection
            and (pick := selection_encoder(self.kind, self._selection))
            and (part := pick(value)) is not None
        ):
            return batch_protocol.PARTIAL_STATUS, part
        return 200, whole


def _raw(text: bytes) -> Any:
    """The text as it is, or something that nobody expects where it is no JSON."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return "no JSON"
    return msgspec.Raw(text)
