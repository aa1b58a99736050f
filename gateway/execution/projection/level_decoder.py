"""Decoders of one JSON text with the values of several steps of a level, compiled for these steps."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.execution.planning.plan import Field, Projection
from gateway.execution.state.dispatched_step import DispatchedStep
from services.chassis.rpc.raw_result import ResultFraming
from services.chassis.telemetry import metrics

LevelDecoder = Callable[[bytes, Sequence[DispatchedStep], Any], Sequence[Field] | None]
"""(text, dispatched steps, execution state) -> the steps below.

Returns None, or raises msgspec's DecodeError, and changes nothing if the text is not as declared.
"""

PROJECTED = metrics.COMPLETIONS.labels("projected", "")
PROJECTED_PARTIAL = metrics.COMPLETIONS.labels("projected", "partial")


def compile_level_decoder(
    steps: Sequence[Field], projections: Sequence[Projection], framing: ResultFraming, partial: Sequence[bool]
) -> LevelDecoder:
    """Compile the decoder of a text with this framing; ``partial`` marks the values restricted to the selection."""
    types = [
        projection.partial_type if restricted else projection.type
        for projection, restricted in zip(projections, partial, strict=True)
    ]
    decode = msgspec.json.Decoder(framing.type_of(types, partial)).decode
    enqueuers = [projection.enqueue_children for projection in projections]
    are_batches = [step.batch is not None for step in steps]
    below = [child for step in steps for child in step.steps]
    partial_count = sum(partial)
    whole_count = len(steps) - partial_count

    def decode_level(text: bytes, dispatched: Sequence[DispatchedStep], state: Any) -> Sequence[Field] | None:
        decoded = decode(text)
        values = [value for _, value in decoded] if framing.has_statuses else [decoded]
        # All values are checked before any is set.
        for index, dispatched_step in enumerate(dispatched):
            if not are_batches[index]:
                values[index] = [values[index]]
            elif len(values[index]) != len(dispatched_step.containers):
                return None
        for dispatched_step, value, enqueue_children in zip(dispatched, values, enqueuers, strict=True):
            dispatched_step.step.set_values(dispatched_step.containers, value)
            if enqueue_children is not None:
                enqueue_children(value, state)
        if partial_count:
            PROJECTED_PARTIAL.inc(partial_count)
        if whole_count:
            PROJECTED.inc(whole_count)
        return below

    return decode_level
