"""Pushing down: where a step's values came as JSON, they are read straight into what was selected of them."""

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
"""Which steps of a level are asked for together differs with what is null above them."""


def apply_projection(begun: DispatchedStep, run: ExecutionState) -> bool:
    """Push a step's values down; False, and nothing is done, where that can not be."""
    values, step = begun.values, begun.step
    first = values[0]
    if type(first) is not RawResult or (len(values) > 1 and any(type(one) is not RawResult for one in values)):
        return False
    pushed = projection_for(step, first.kind, run.scalars)
    if len(values) > 1 and any(one.kind != first.kind for one in values):
        pushed = "several types"
    if isinstance(pushed, str):
        return _count_fallback(pushed)
    try:
        read = [pushed.decode_partial(one.json) if one.partial else pushed.decode(one.json) for one in values]
    except msgspec.DecodeError:
        return _count_fallback("not as declared")
    if step.batch is not None:
        (read,) = read
    if len(read) != len(begun.containers):
        return _count_fallback("not one for each parent")
    _store_values(begun, pushed, read, first.partial, run)
    return True


def apply_level_projection(
    begun: Sequence[DispatchedStep], settled: RawBatchResult, run: ExecutionState
) -> Sequence[Field] | None:
    """Push down the values of all these steps, which came as one, and say what steps they lead to.

    None, and nothing is done, where that can not be.
    """
    known: dict[Any, LevelDecoder] = begun[0].step.level_decoders
    pushed: list[Any] = [one.projection for one in begun]
    if None in pushed:
        pushed = [projection_for(one.step, of.kind, run.scalars) for one, of in zip(begun, settled.calls, strict=True)]
    key = (settled.framing, settled.partial, *pushed)
    take = known.get(key)
    if take is None:
        if any(type(how) is not Projection for how in pushed):
            return None
        if len(known) == _MAX_LEVEL_DECODERS:
            known.clear()
        take = known[key] = compile_level_decoder([one.step for one in begun], pushed, settled.framing, settled.partial)
    try:
        below = take(settled.json, begun, run)
    except msgspec.DecodeError:
        return None
    if below is not None:
        for one in begun:
            _record_values(one, run)
    return below


def _store_values(
    begun: DispatchedStep, pushed: Any, values: Sequence[Any], partial: bool, run: ExecutionState
) -> None:
    begun.step.set_values(begun.containers, values)
    if pushed.enqueue_children is not None:
        pushed.enqueue_children(values, run)
    _record_values(begun, run)
    (PROJECTED_PARTIAL if partial else PROJECTED).inc()


def _record_values(begun: DispatchedStep, run: ExecutionState) -> None:
    """Have the answer know what a step has put into it."""
    run.response.record_values(begun.containers, begun.step.key, begun.step.type, begun.step)


def _count_fallback(why: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", why).inc()
    return False
