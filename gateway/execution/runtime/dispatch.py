"""Asking the resolvers of a step, and awaiting what they gave."""

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
    run: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> DispatchedStep:
    """Ask a step's resolver: a batch once, any other once for each parent. What it raises stands among the values."""
    if step.batch is None and len(parents) > 1:
        return _dispatch_per_parent(run, step, parents, containers)
    try:
        value: Any = step.resolver_call(run, parents, containers[0])
    except Exception as error:
        value = error
    way = step.await_strategy
    kind: Any = type(value)
    if kind is not way.kind:
        way = step.await_strategy = _await_strategy(kind)
    begun = DispatchedStep(step, containers, [value], way.await_batch)
    if way.accepts_selection:
        pushed = projection_for(step, value.kind, run.scalars)
        if type(pushed) is Projection:
            begun.projection = pushed
            if pushed.selection:
                value.select_fields(pushed.selection)
    return begun


def _dispatch_per_parent(
    run: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> DispatchedStep:
    begun = DispatchedStep(step, containers, _call_per_parent(run, step, parents, containers))
    values = begun.values
    kind: Any = type(values[0])
    way = _await_strategy(kind)
    if all(type(values[index]) is kind for index in begun.pending_indexes()):
        begun.await_batch = way.await_batch
    if way.accepts_selection and all(type(one) is kind and one.kind is values[0].kind for one in values):
        pushed = projection_for(step, values[0].kind, run.scalars)
        if type(pushed) is Projection and pushed.selection:
            for one in values:
                one.select_fields(pushed.selection)
    return begun


@functools.lru_cache(maxsize=1000)
def _await_strategy(kind: type) -> AwaitStrategy:
    together = getattr(kind, "await_batch", None) if hasattr(kind, "__await__") else None
    return AwaitStrategy(kind, together, together is not None and hasattr(kind, "select_fields"))


async def await_values(begun: Sequence[DispatchedStep]) -> None:
    """Await what is to be awaited of steps that are awaited together, or of one."""
    waiting = [(one.values, index) for one in begun for index in one.pending_indexes()]
    if waiting:
        settled = await gather_results([values[index] for values, index in waiting], begun[0].await_batch)
        for (values, index), value in zip(waiting, settled, strict=True):
            values[index] = value


def common_await_batch(begun: Sequence[DispatchedStep]) -> AwaitBatch | None:
    """How these steps are awaited, if that is together, and each of them waits for one value."""
    together = begun[0].await_batch
    for one in begun:
        if one.await_batch is not together or len(one.values) > 1:
            return None
    return together


def can_await_in_batch(begun: Sequence[DispatchedStep]) -> bool:
    """Whether all these steps are awaited together."""
    together = begun[0].await_batch
    return together is not None and all(one.await_batch is together for one in begun)


def group_by_await_batch(begun: Sequence[DispatchedStep]) -> list[list[DispatchedStep]]:
    """The steps that are awaited together, and each of the others by itself."""
    groups: list[list[DispatchedStep]] = []
    together: dict[AwaitBatch, list[DispatchedStep]] = {}
    for one in begun:
        if one.await_batch is None:
            groups.append([one])
        elif one.await_batch in together:
            together[one.await_batch].append(one)
        else:
            groups.append(together.setdefault(one.await_batch, [one]))
    return groups


async def gather_results(awaitables: Sequence[Awaitable[Any]], together: AwaitBatch | None = None) -> Iterable[Any]:
    """What each gives or raises."""
    try:
        if together is not None:
            return await together(awaitables)
        if len(awaitables) == 1:
            return [await awaitables[0]]
    except Exception as error:
        return [error] * len(awaitables)
    found = await asyncio.gather(*awaitables, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return found


async def run_concurrently(coroutines: Iterable[Awaitable[None]]) -> None:
    """All of them; if one fails that never should, or this is given up, none is left behind."""
    tasks = [asyncio.ensure_future(one) for one in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.gather(*left, return_exceptions=True)


def _call_per_parent(
    run: ExecutionState, step: Field, parents: list[Any], containers: list[ResponseContainer]
) -> list[Any]:
    try:
        arguments = step.arguments(run.variables)
    except GraphQLError as error:
        return [error] * len(parents)
    call = resolver_with_middleware(run, step)
    values: list[Any] = []
    for source, container in zip(parents, containers, strict=True):
        try:
            values.append(call(source, ResolveInfo(run, step, container), dict(arguments)))
        except Exception as error:
            values.append(error)
    return values
