"""Application of projections: values that came as JSON are decoded straight into the response."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.execution.planning.plan import Field, Projection
from gateway.execution.projection.compiler import projection_for
from gateway.execution.projection.level_decoder import PROJECTED, PROJECTED_PARTIAL, LevelDecoder, compile_level_decoder
from gateway.execution.state.dispatched_step import DispatchedStep
from gateway.execution.state.execution_state import ExecutionState
from services.chassis.rpc.raw_result import RawBatchResult, RawResult
from services.chassis.telemetry import metrics

_MAX_LEVEL_DECODERS = 32
"""Decoders of levels with the same first step. Nulls above a level decide which steps belong to it."""


def apply_projection(dispatched: DispatchedStep, state: ExecutionState) -> bool:
    """Decode a step's values by its projection; return False, and change nothing, if that is not possible."""
    values, step = dispatched.values, dispatched.step
    first = values[0]
    if type(first) is not RawResult or (len(values) > 1 and any(type(value) is not RawResult for value in values)):
        return False
    projection = projection_for(step, first.kind, state.scalars)
    if len(values) > 1 and any(value.kind != first.kind for value in values):
        projection = "several types"
    if isinstance(projection, str):
        return _count_fallback(projection)
    try:
        decoded = [
            projection.decode_partial(value.json) if value.partial else projection.decode(value.json)
            for value in values
        ]
    except msgspec.DecodeError:
        return _count_fallback("not as declared")
    if step.batch is not None:
        (decoded,) = decoded
    if len(decoded) != len(dispatched.containers):
        return _count_fallback("not one for each parent")
    step.set_values(dispatched.containers, decoded)
    if projection.enqueue_children is not None:
        projection.enqueue_children(decoded, state)
    _record_values(dispatched, state)
    (PROJECTED_PARTIAL if first.partial else PROJECTED).inc()
    return True


def apply_level_projection(
    dispatched: Sequence[DispatchedStep], result: RawBatchResult, state: ExecutionState
) -> Sequence[Field] | None:
    """Decode the values of several steps, which came as one text, and return the steps below them.

    Return None, and change nothing, if that is not possible.
    """
    decoders: dict[Any, LevelDecoder] = dispatched[0].step.level_decoders
    projections: list[Any] = [dispatched_step.projection for dispatched_step in dispatched]
    if None in projections:
        projections = [
            projection_for(dispatched_step.step, call.kind, state.scalars)
            for dispatched_step, call in zip(dispatched, result.calls, strict=True)
        ]
    key = (result.framing, result.partial, *projections)
    decode_level = decoders.get(key)
    if decode_level is None:
        if any(type(projection) is not Projection for projection in projections):
            return None
        if len(decoders) == _MAX_LEVEL_DECODERS:
            decoders.clear()
        decode_level = decoders[key] = compile_level_decoder(
            [dispatched_step.step for dispatched_step in dispatched], projections, result.framing, result.partial
        )
    try:
        below = decode_level(result.json, dispatched, state)
    except msgspec.DecodeError:
        return None
    if below is not None:
        for dispatched_step in dispatched:
            _record_values(dispatched_step, state)
    return below


def _record_values(dispatched: DispatchedStep, state: ExecutionState) -> None:
    step = dispatched.step
    state.response.record_values(dispatched.containers, step.key, step.type, step)


def _count_fallback(reason: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", reason).inc()
    return False
