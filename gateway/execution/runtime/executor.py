"""Breadth-first execution of a plan: each step is dispatched once for all parents of its level."""

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
from services.chassis.rpc.raw_result import RawBatchResult, decode_if_raw
from services.chassis.telemetry import metrics


async def execute_plan(state: ExecutionState) -> ExecutionResult:
    """Execute a plan and return its result, equal to that of graphql-core."""
    plan, response = state.plan, state.response
    if plan.initial_data is None:
        await _complete_root(state)
    else:
        response.data = data = plan.initial_data.copy()
        for step in plan.steps:
            state.parents[step.index], state.containers[step.index] = [state.root_value], [data]
    if plan.serial:
        for step in plan.steps:
            await _run_steps(state, [step])
    else:
        await _run_steps(state, plan.steps)
    for structs, names in state.hidden:
        for name in names:
            for struct in structs:
                setattr(struct, name, msgspec.UNSET)
    return ExecutionResult(response.data, response.errors or None)


async def _complete_root(state: ExecutionState) -> None:
    """Complete the attributes of the root value, always by the slow path, which needs no position for them."""
    response, pending = state.response, list[PendingValue]()
    try:
        response.data = SlowCompletion(state, pending).complete_selection(state.plan.root, state.root_value, None)
    except GraphQLError as error:
        response.errors.append(error)
        response.nulled = True
    await _complete_pending(state, pending)


async def _run_steps(state: ExecutionState, steps: Sequence[Field], dispatched: Sequence[DispatchedStep] = ()) -> None:
    """Run the steps that have parents, concurrently, and the steps below them; some may be dispatched already.

    Each awaited coroutine costs a request, so the common case awaits few of them.
    """
    while dispatched or (steps and (dispatched := _dispatch_steps(state, steps))):
        await_batch = common_await_batch(dispatched)
        if await_batch is not None:
            try:
                results: Any = await await_batch([dispatched_step.values[0] for dispatched_step in dispatched])
            except Exception as error:
                results = [error] * len(dispatched)
            if (
                type(results) is RawBatchResult
                and (below := apply_level_projection(dispatched, results, state)) is not None
            ):
                steps, dispatched = below, ()
                continue
            for dispatched_step, value in zip(dispatched, results, strict=True):
                dispatched_step.values = [value]
        elif len(dispatched) == 1 or can_await_in_batch(dispatched):
            await await_values(dispatched)
        else:
            try:
                await run_concurrently([_run_steps(state, (), group) for group in group_by_await_batch(dispatched)])
            finally:
                for dispatched_step in dispatched:
                    dispatched_step.close_coroutines()
            return
        for dispatched_step in dispatched:
            if not apply_projection(dispatched_step, state):
                await _complete_step(state, dispatched_step)
        steps = (
            dispatched[0].step.steps
            if len(dispatched) == 1
            else [step for dispatched_step in dispatched for step in dispatched_step.step.steps]
        )
        dispatched = ()


def _dispatch_steps(state: ExecutionState, steps: Sequence[Field]) -> list[DispatchedStep]:
    """Dispatch those steps that have parents in the response."""
    dispatched = []
    for step in steps:
        parents, containers = state.parents[step.index], state.containers[step.index]
        if parents and state.response.nulled:
            parents, containers = _still_in_response(state, parents, containers)
        if not parents:
            continue
        dispatched.append(dispatch(state, step, parents, containers))
    return dispatched


def _still_in_response(
    state: ExecutionState, parents: list[Any], containers: list[ResponseContainer]
) -> tuple[list[Any], list[ResponseContainer]]:
    """Return the parents, with their containers, that no error has discarded."""
    present = [state.response.position(container) is not None for container in containers]
    return list(compress(parents, present)), list(compress(containers, present))


async def _complete_step(state: ExecutionState, dispatched: DispatchedStep) -> None:
    """Complete the values of a step that has no projection."""
    step, containers, values = dispatched.step, dispatched.containers, _declared_values(dispatched)
    complete = step.complete
    try:
        step.set_values(containers, [complete(value, state) for value in values])
        state.response.record_values(containers, step.key, step.type, step)
    except Exception:
        # The slow path handles the error, and enqueues the parents of the steps below again.
        failed = any(isinstance(value, Exception) for value in values)
        metrics.COMPLETIONS.labels("slow", "an error" if failed else "an unusual value").inc()
        for below in step.steps:
            state.parents[below.index], state.containers[below.index] = [], []
        pending: list[PendingValue] = []
        completion = SlowCompletion(state, pending)
        for container, value in zip(containers, values, strict=True):
            completion.complete_at(container, step.key, step.type, step, value)
        await _complete_pending(state, pending)


async def _complete_pending(state: ExecutionState, pending: list[PendingValue]) -> None:
    """Await and complete pending values, and those that become pending meanwhile."""
    while pending:
        results = await gather_results([pending_value.value for pending_value in pending])
        next_pending: list[PendingValue] = []
        completion = SlowCompletion(state, next_pending)
        for pending_value, value in zip(pending, results, strict=True):
            completion.complete_at(
                pending_value.container, pending_value.key, pending_value.kind, pending_value.field, value
            )
        pending = next_pending


def _declared_values(dispatched: DispatchedStep) -> Sequence[Any]:
    """Return a value of the declared type for each parent, or an exception."""
    if dispatched.step.batch is None:
        return [decode_if_raw(value) for value in dispatched.values]
    return dispatched.step.batch.values_per_parent(dispatched.values[0], len(dispatched.containers))
