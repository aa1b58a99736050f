"""Asking the resolvers of a step, and awaiting what they gave."""

import asyncio
import functools
from collections.abc import Awaitable, Iterable, Sequence
from inspect import isawaitable
from types import CoroutineType, GeneratorType
from typing import Any

import msgspec
from graphql import GraphQLError

from gateway.execution.answer import Container
from gateway.execution.calling import resolver
from gateway.execution.plan import Field, Together, Way
from gateway.execution.pushed import Pushed, how_pushed
from gateway.execution.run import Run
from gateway.execution.step_info import StepInfo


class Begun(msgspec.Struct, eq=False):
    """A step that was asked for. ``values`` are what the resolver gave for each parent, or a batch for all at once.

    They are put into ``containers``. Those that have to be awaited are, with ``together``, if all of them can be.
    ``pushed`` is how what they give is read, if they were told that.
    """

    step: Field
    containers: list[Container]
    values: list[Any]
    together: Together | None = None
    pushed: Pushed | None = None

    def waiting(self) -> list[int]:
        """Which of the values have to be awaited."""
        return [index for index, one in enumerate(self.values) if _is_awaitable(one)]

    def give_up(self) -> None:
        """Nobody will await what was not awaited yet."""
        for one in self.values:
            if type(one) is CoroutineType:
                one.close()


def ask(run: Run, step: Field, parents: list[Any], containers: list[Container]) -> Begun:
    """Ask a step's resolver: a batch once, any other once for each parent. What it raises stands among the values."""
    if step.batch is None and len(parents) > 1:
        return _ask_each(run, step, parents, containers)
    try:
        value: Any = step.once(run, parents, containers[0])
    except Exception as error:
        value = error
    way = step.way
    kind: Any = type(value)
    if kind is not way.kind:
        way = step.way = _way_of(kind)
    begun = Begun(step, containers, [value], way.together)
    if way.picks:
        pushed = how_pushed(step, value.kind, run.scalars)
        if type(pushed) is Pushed:
            begun.pushed = pushed
            if pushed.selection:
                value.pick(pushed.selection)
    return begun


def _ask_each(run: Run, step: Field, parents: list[Any], containers: list[Container]) -> Begun:
    begun = Begun(step, containers, _calls(run, step, parents, containers))
    values = begun.values
    kind: Any = type(values[0])
    way = _way_of(kind)
    if all(type(values[index]) is kind for index in begun.waiting()):
        begun.together = way.together
    if way.picks and all(type(one) is kind and one.kind is values[0].kind for one in values):
        pushed = how_pushed(step, values[0].kind, run.scalars)
        if type(pushed) is Pushed and pushed.selection:
            for one in values:
                one.pick(pushed.selection)
    return begun


@functools.lru_cache(maxsize=1000)
def _way_of(kind: type) -> Way:
    together = getattr(kind, "together", None) if hasattr(kind, "__await__") else None
    return Way(kind, together, together is not None and hasattr(kind, "pick"))


async def settle(begun: Sequence[Begun]) -> None:
    """Await what is to be awaited of steps that are awaited together, or of one."""
    waiting = [(one.values, index) for one in begun for index in one.waiting()]
    if waiting:
        settled = await results([values[index] for values, index in waiting], begun[0].together)
        for (values, index), value in zip(waiting, settled, strict=True):
            values[index] = value


def usual_way(begun: Sequence[Begun]) -> Together | None:
    """How these steps are awaited, if that is together, and each of them waits for one value."""
    together = begun[0].together
    for one in begun:
        if one.together is not together or len(one.values) > 1:
            return None
    return together


def are_together(begun: Sequence[Begun]) -> bool:
    """Whether all these steps are awaited together."""
    together = begun[0].together
    return together is not None and all(one.together is together for one in begun)


def groups_of(begun: Sequence[Begun]) -> list[list[Begun]]:
    """The steps that are awaited together, and each of the others by itself."""
    groups: list[list[Begun]] = []
    together: dict[Together, list[Begun]] = {}
    for one in begun:
        if one.together is None:
            groups.append([one])
        elif one.together in together:
            together[one.together].append(one)
        else:
            groups.append(together.setdefault(one.together, [one]))
    return groups


async def results(awaitables: Sequence[Awaitable[Any]], together: Together | None = None) -> Iterable[Any]:
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


async def side_by_side(coroutines: Iterable[Awaitable[None]]) -> None:
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


def _calls(run: Run, step: Field, parents: list[Any], containers: list[Container]) -> list[Any]:
    try:
        arguments = step.arguments(run.variables)
    except GraphQLError as error:
        return [error] * len(parents)
    call = resolver(run, step)
    values: list[Any] = []
    for source, container in zip(parents, containers, strict=True):
        try:
            values.append(call(source, StepInfo(run, step, container), dict(arguments)))
        except Exception as error:
            values.append(error)
    return values


def _is_awaitable(value: Any) -> bool:
    kind = type(value)
    return kind is CoroutineType or hasattr(kind, "__await__") or (kind is GeneratorType and isawaitable(value))
