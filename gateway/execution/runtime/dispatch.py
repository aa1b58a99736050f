"""Dispatch of steps: calls to resolvers, and awaiting of their results."""

import asyncio
import functools
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

from graphql import GraphQLError

from gateway.execution.planning.plan import AwaitBatch, AwaitStrategy, Field, Projection
from gateway.execution.projection.compiler import projection_for
from gateway.execution.runtime.resolver_call import resolver_with_middleware
from gateway.execution.state.dispatched_step import DispatchedStep
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.resolve_info import ResolveInfo
from gateway.execution.state.response import ResponseContainer


def dispatch(
    state: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> DispatchedStep:
    """Dispatch a step's resolver for all parents of its level: a batch in one call, any other once for each parent.

    An exception of the resolver takes the place of its value.
    """
    if step.batch is None and len(parents) > 1:
        return _dispatch_per_parent(state, step, parents, containers)
    try:
        value: Any = step.resolver_call(state, parents, containers[0])
    except Exception as error:
        value = error
    strategy = step.await_strategy
    kind: Any = type(value)
    if kind is not strategy.kind:
        strategy = step.await_strategy = _await_strategy(kind)
    dispatched = DispatchedStep(step, containers, [value], strategy.await_batch)
    if strategy.accepts_selection:
        projection = projection_for(step, value.kind, state.scalars)
        if type(projection) is Projection:
            dispatched.projection = projection
            if projection.selection:
                value.select_fields(projection.selection)
    return dispatched


def _dispatch_per_parent(
    state: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> DispatchedStep:
    dispatched = DispatchedStep(step, containers, _call_per_parent(state, step, parents, containers))
    values = dispatched.values
    kind: Any = type(values[0])
    strategy = _await_strategy(kind)
    if all(type(values[index]) is kind for index in dispatched.pending_indexes()):
        dispatched.await_batch = strategy.await_batch
    if strategy.accepts_selection and all(type(value) is kind and value.kind is values[0].kind for value in values):
        projection = projection_for(step, values[0].kind, state.scalars)
        if type(projection) is Projection and projection.selection:
            for value in values:
                value.select_fields(projection.selection)
    return dispatched


@functools.lru_cache(maxsize=1000)
def _await_strategy(kind: type) -> AwaitStrategy:
    await_batch = getattr(kind, "await_batch", None) if hasattr(kind, "__await__") else None
    return AwaitStrategy(kind, await_batch, await_batch is not None and hasattr(kind, "select_fields"))


async def await_values(steps: Sequence[DispatchedStep]) -> None:
    """Await the pending values of one step, or of several that share one `await_batch`."""
    pending = [(step.values, index) for step in steps for index in step.pending_indexes()]
    if pending:
        results = await gather_results([values[index] for values, index in pending], steps[0].await_batch)
        for (values, index), value in zip(pending, results, strict=True):
            values[index] = value


def common_await_batch(steps: Sequence[DispatchedStep]) -> AwaitBatch | None:
    """Return the `await_batch` that these steps share, if each of them has one value."""
    await_batch = steps[0].await_batch
    for step in steps:
        if step.await_batch is not await_batch or len(step.values) > 1:
            return None
    return await_batch


def can_await_in_batch(steps: Sequence[DispatchedStep]) -> bool:
    """Return whether all these steps share one `await_batch`."""
    await_batch = steps[0].await_batch
    return await_batch is not None and all(step.await_batch is await_batch for step in steps)


def group_by_await_batch(steps: Sequence[DispatchedStep]) -> list[list[DispatchedStep]]:
    """Return groups of steps that share one `await_batch`; each step without one is its own group."""
    groups: list[list[DispatchedStep]] = []
    batches: dict[AwaitBatch, list[DispatchedStep]] = {}
    for step in steps:
        if step.await_batch is None:
            groups.append([step])
        elif step.await_batch in batches:
            batches[step.await_batch].append(step)
        else:
            groups.append(batches.setdefault(step.await_batch, [step]))
    return groups


async def gather_results(awaitables: Sequence[Awaitable[Any]], await_batch: AwaitBatch | None = None) -> Iterable[Any]:
    """Return the result of each awaitable, with an exception in the place of a failure."""
    try:
        if await_batch is not None:
            return await await_batch(awaitables)
        if len(awaitables) == 1:
            return [await awaitables[0]]
    except Exception as error:
        return [error] * len(awaitables)
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return results


async def run_concurrently(coroutines: Iterable[Awaitable[None]]) -> None:
    """Run all coroutines. If one fails, or this one is cancelled, cancel the others and wait for them."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        unfinished = [task for task in tasks if not task.done()]
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.gather(*unfinished, return_exceptions=True)


def _call_per_parent(
    state: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> list[Any]:
    try:
        arguments = step.arguments(state.variables)
    except GraphQLError as error:
        return [error] * len(parents)
    resolve = resolver_with_middleware(state, step)
    values: list[Any] = []
    for source, container in zip(parents, containers, strict=True):
        try:
            values.append(resolve(source, ResolveInfo(state, step, container), dict(arguments)))
        except Exception as error:
            values.append(error)
    return values
