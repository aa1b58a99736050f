"""Running a plan: breadth first, every step asked once for all the parents of its level."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError

from gateway.execution.answer import Container
from gateway.execution.asking import (
    Begun,
    are_together,
    ask,
    groups_of,
    results,
    settle,
    side_by_side,
    usual_way,
)
from gateway.execution.careful import Awaited, Careful
from gateway.execution.plan import Field
from gateway.execution.pushing import push, push_together
from gateway.execution.run import Run
from services.chassis import metrics
from services.chassis.rpc import undecoded
from services.chassis.rpc.undecoded import UndecodedTogether


async def execute(run: Run) -> ExecutionResult:
    """Run it to the end: the answer as graphql-core gives it."""
    plan, answer = run.plan, run.answer
    if plan.blank is None:
        await _look_at_root(run)
    else:
        answer.data = data = plan.blank.copy()
        for step in plan.steps:
            run.parents[step.index], run.containers[step.index] = [run.root_value], [data]
    if plan.serial:
        for step in plan.steps:
            await _steps(run, [step])
    else:
        await _steps(run, plan.steps)
    for structs, names in run.hidden:
        for name in names:
            for struct in structs:
                setattr(struct, name, msgspec.UNSET)
    return ExecutionResult(answer.data, answer.errors or None)


async def _look_at_root(run: Run) -> None:
    """Complete what the root value has itself, field by field: the root has no place that could be looked for."""
    answer, awaited = run.answer, list[Awaited]()
    try:
        answer.data = Careful(run, awaited).selection(run.plan.root, run.root_value, None)
    except GraphQLError as error:
        answer.errors.append(error)
        answer.nulled = True
    await _settle(run, awaited)


async def _steps(run: Run, steps: Sequence[Field], begun: Sequence[Begun] = ()) -> None:
    """The steps that something waits for, side by side, and what they lead to; those ``begun`` were asked already.

    Each awaited coroutine costs a request, so the usual way goes through few of them.
    """
    while begun or (steps and (begun := _begin(run, steps))):
        together = usual_way(begun)
        if together is not None:
            try:
                settled: Any = await together([one.values[0] for one in begun])
            except Exception as error:
                settled = [error] * len(begun)
            if type(settled) is UndecodedTogether and (below := push_together(begun, settled, run)) is not None:
                steps, begun = below, ()
                continue
            for one, value in zip(begun, settled, strict=True):
                one.values = [value]
        elif len(begun) == 1 or are_together(begun):
            await settle(begun)
        else:
            try:
                await side_by_side([_steps(run, (), group) for group in groups_of(begun)])
            finally:
                for one in begun:
                    one.give_up()
            return
        for one in begun:
            if not push(one, run):
                await _complete(run, one)
        steps = begun[0].step.steps if len(begun) == 1 else [step for one in begun for step in one.step.steps]
        begun = ()


def _begin(run: Run, steps: Sequence[Field]) -> list[Begun]:
    """Ask the resolvers of those of these steps that something waits for still, and say what is read of it."""
    begun = []
    for step in steps:
        parents, containers = run.parents[step.index], run.containers[step.index]
        if parents and run.answer.nulled:
            parents, containers = _left(run, parents, containers)
        if not parents:
            continue
        begun.append(ask(run, step, parents, containers))
    return begun


def _left(run: Run, parents: list[Any], containers: list[Container]) -> tuple[list[Any], list[Container]]:
    """What waits for a step and is part of the answer still."""
    here = [run.answer.place(container) is not None for container in containers]
    return list(compress(parents, here)), list(compress(containers, here))


async def _complete(run: Run, begun: Begun) -> None:
    """Complete the values of a step that can't be pushed down."""
    step, containers, values = begun.step, begun.containers, _as_declared(begun)
    complete = step.complete
    try:
        step.put_all(containers, [complete(value, run) for value in values])
        run.answer.filled(containers, step.key, step.type, step)
    except Exception:
        # Whatever it was: it is looked at carefully. What was noted meanwhile is noted anew.
        failed = any(isinstance(value, Exception) for value in values)
        metrics.COMPLETIONS.labels("careful", "an error" if failed else "an unusual value").inc()
        for below in step.steps:
            run.parents[below.index], run.containers[below.index] = [], []
        awaited: list[Awaited] = []
        careful = Careful(run, awaited)
        for container, value in zip(containers, values, strict=True):
            careful.place(container, step.key, step.type, step, value)
        await _settle(run, awaited)


async def _settle(run: Run, awaited: list[Awaited]) -> None:
    """Await what was no value yet, and complete it, until nothing is left."""
    while awaited:
        values = await results([one.value for one in awaited])
        again: list[Awaited] = []
        careful = Careful(run, again)
        for one, value in zip(awaited, values, strict=True):
            careful.place(one.container, one.key, one.kind, one.field, value)
        awaited = again


def _as_declared(begun: Begun) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if begun.step.batch is None:
        return [undecoded.as_declared(value) for value in begun.values]
    return begun.step.batch.each_of(begun.values[0], len(begun.containers))
