"""Taking what one JSON text holds for the steps of a level into the answer: worked out once for these steps."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.execution.planning.plan import Field, Projection
from gateway.execution.state.dispatched_step import DispatchedStep
from services.chassis.rpc.raw_result import ResultFraming
from services.chassis.telemetry import metrics

LevelDecoder = Callable[[bytes, Sequence[DispatchedStep], Any], Sequence[Field] | None]
"""(text, the steps as they were begun, run) -> the steps that these lead to.

None, or msgspec's DecodeError, where the text is something else; nothing is done then.
"""

PROJECTED = metrics.COMPLETIONS.labels("projected", "")
PROJECTED_PARTIAL = metrics.COMPLETIONS.labels("projected", "partial")


def compile_level_decoder(
    steps: Sequence[Field], pushed: Sequence[Projection], form: ResultFraming, partial: Sequence[bool]
) -> LevelDecoder:
    """What takes a text of this form for these steps, which are read so, or as what was ``partial`` of them."""
    types = [how.partial_type if part else how.type for how, part in zip(pushed, partial, strict=True)]
    decode = msgspec.json.Decoder(form.type_of(types, partial)).decode
    notes = [how.enqueue_children for how in pushed]
    batched = [step.batch is not None for step in steps]
    below = [under for step in steps for under in step.steps]
    parts = sum(partial)
    wholes = len(steps) - parts

    def take(text: bytes, begun: Sequence[DispatchedStep], run: Any) -> Sequence[Field] | None:
        found = decode(text)
        values = [value for _, value in found] if form.has_statuses else [found]
        # First all is looked at, then all is done.
        for place, one in enumerate(begun):
            if not batched[place]:
                values[place] = [values[place]]
            elif len(values[place]) != len(one.containers):
                return None
        for one, value, note in zip(begun, values, notes, strict=True):
            one.step.set_values(one.containers, value)
            if note is not None:
                note(value, run)
        if parts:
            PROJECTED_PARTIAL.inc(parts)
        if wholes:
            PROJECTED.inc(wholes)
        return below

    return take
