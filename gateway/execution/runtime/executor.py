"""Running a plan: breadth first, every step asked once for all the parents of its level."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError

from gateway.execution.completion.slow_path import PendingValue, SlowCompletion
from gateway.execution.planning.plan import Field
from gateway.execution.projection.application import apply_level_projection, apply_projection
from gateway.execution.runtime.dispatch import (
    await_values,
    can_await_in_batch,
    common_await_batch,
    dispatch,
    gather_results,
    group_by_await_batch,
    run_concurrently,
)
from gateway.execution.state.dispatched_step import DispatchedStep
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.response import ResponseContainer
from services.chassis.rpc import raw_result
from services.chassis.rpc.raw_result import RawBatchResult
from services.chassis.telemetry import metrics


async def execute_plan(run: ExecutionState) -> ExecutionResult:
    """Run it to the end: the answer as graphql-core gives it."""
    plan, answer = run.plan, run.response
    if plan.initial_data is None:
        await _complete_root(run)
    else:
        answer.data = data = plan.initial_data.copy()
        for step in plan.steps:
            run.parents[step.index], run.containers[step.index] = [run.root_value], [data]
    if plan.serial:
        for step in plan.steps:
            await _run_steps(run, [step])
    else:
        await _run_steps(run, plan.steps)
    for structs, names in run.hidden:
        for name in names:
            for struct in structs:
                setattr(struct, name, msgspec.UNSET)
    return ExecutionResult(answer.data, answer.errors or None)


async def _complete_root(run: ExecutionState) -> None:
    """Complete what the root value has itself, field by field: the root has no place that could be looked for."""
    answer, awaited = run.response, list[PendingValue]()
    try:
        answer.data = SlowCompletion(run, awaited).selection(run.plan.root, run.root_value, None)
    except GraphQLError as error:
        answer.errors.append(error)
        answer.nulled = True
    await _complete_pending(run, awaited)


async def _run_steps(run: ExecutionState, steps: Sequence[Field], begun: Sequence[DispatchedStep] = ()) -> None:
    """The steps that something waits for, side by side, and what they lead to; those ``begun`` were asked already.

    Each awaited coroutine costs a request, so the usual way goes through few of them.
    """
    while begun or (steps and (begun := _dispatch_steps(run, steps))):
        together = common_await_batch(begun)
        if together is not None:
            try:
                settled: Any = await together([one.values[0] for one in begun])
            except Exception as error:
                settled = [error] * len(begun)
            if type(settled) is RawBatchResult and (below := apply_level_projection(begun, settled, run)) is not None:
                steps, begun = below, ()
                continue
            for one, value in zip(begun, settled, strict=True):
                one.values = [value]
        elif len(begun) == 1 or can_await_in_batch(begun):
            await await_values(begun)
        else:
            try:
                await run_concurrently([_run_steps(run, (), group) for group in group_by_await_batch(begun)])
            finally:
                for one in begun:
                    one.close_coroutines()
            return
        for one in begun:
            if not apply_projection(one, run):
                await _complete_step(run, one)
        steps = begun[0].step.steps if len(begun) == 1 else [step for one in begun for step in one.step.steps]
        begun = ()


def _dispatch_steps(run: ExecutionState, steps: Sequence[Field]) -> list[DispatchedStep]:
    """Ask the resolvers of those of these steps that something waits for still, and say what is read of it."""
    begun = []
    for step in steps:
        parents, containers = run.parents[step.index], run.containers[step.index]
        if parents and run.response.nulled:
            parents, containers = _still_in_response(run, parents, containers)
        if not parents:
            continue
        begun.append(dispatch(run, step, parents, containers))
    return begun


def _still_in_response(
    run: ExecutionState, parents: list[Any], containers: list[ResponseContainer]
) -> tuple[list[Any], list[ResponseContainer]]:
    """What waits for a step and is part of the answer still."""
    here = [run.response.place(container) is not None for container in containers]
    return list(compress(parents, here)), list(compress(containers, here))


async def _complete_step(run: ExecutionState, begun: DispatchedStep) -> None:
    """Complete the values of a step that can't be pushed down."""
    step, containers, values = begun.step, begun.containers, _declared_values(begun)
    complete = step.complete
    try:
        step.set_values(containers, [complete(value, run) for value in values])
        run.response.record_values(containers, step.key, step.type, step)
    except Exception:
        # Whatever it was: it is looked at carefully. What was noted meanwhile is noted anew.
        failed = any(isinstance(value, Exception) for value in values)
        metrics.COMPLETIONS.labels("slow", "an error" if failed else "an unusual value").inc()
        for below in step.steps:
            run.parents[below.index], run.containers[below.index] = [], []
        awaited: list[PendingValue] = []
        careful = SlowCompletion(run, awaited)
        for container, value in zip(containers, values, strict=True):
            careful.place(container, step.key, step.type, step, value)
        await _complete_pending(run, awaited)


async def _complete_pending(run: ExecutionState, awaited: list[PendingValue]) -> None:
    """Await what was no value yet, and complete it, until nothing is left."""
    while awaited:
        values = await gather_results([one.value for one in awaited])
        again: list[PendingValue] = []
        careful = SlowCompletion(run, again)
        for one, value in zip(awaited, values, strict=True):
            careful.place(one.container, one.key, one.kind, one.field, value)
        awaited = again


def _declared_values(begun: DispatchedStep) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if begun.step.batch is None:
        return [raw_result.decode_if_raw(value) for value in begun.values]
    return begun.step.batch.values_per_parent(begun.values[0], len(begun.containers))
