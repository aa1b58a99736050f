"""Asking the resolvers of a step, and awaiting what they gave."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from inspect import isawaitable
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError, default_field_resolver
from strawberry.types.arguments import convert_arguments

from gateway.execution.answer import Container
from gateway.execution.plan import Field
from gateway.execution.step_info import StepInfo
from services.chassis.rpc.undecoded import UndecodedTogether

if TYPE_CHECKING:
    from gateway.execution.run import Run

_FIRST = (0,)

Together = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class Begun:
    """A step that was asked for. ``values`` are what the resolver gave for each parent, or a batch for all at once.

    They are put into ``containers``. Those at ``waiting`` have to be awaited: with ``together``, if all of them can be.
    """

    __slots__ = ("containers", "step", "together", "values", "waiting")

    def __init__(self, step: Field, containers: list[Container], values: list[Any]) -> None:
        self.step = step
        self.containers = containers
        self.values = values
        kind = type(values[0])
        self.together: Together | None = getattr(kind, "together", None) if hasattr(kind, "__await__") else None
        if len(values) == 1 and self.together is not None:
            self.waiting: Sequence[int] = _FIRST
        else:
            self.waiting = [index for index, one in enumerate(values) if _is_awaitable(one)]
            if any(type(values[index]) is not kind for index in self.waiting):
                self.together = None

    def give_up(self) -> None:
        """Nobody will await what was not awaited yet."""
        for index in self.waiting:
            if type(one := self.values[index]) is CoroutineType:
                one.close()


def ask(run: "Run", step: Field, parents: list[Any], containers: list[Container]) -> Begun:
    """Ask a step's resolver: a batch once, any other once for each parent. What it raises stands among the values."""
    if step.batch is not None:
        return Begun(step, containers, [_batch(run, step, parents, containers)])
    return Begun(step, containers, _calls(run, step, parents, containers))


async def settle(begun: Sequence[Begun]) -> UndecodedTogether | None:
    """Await what is to be awaited of steps that are awaited together, or of one.

    What came as one, a value for each step, is answered as it is, for whoever can read it in one go; ``take_apart`` is
    for whoever can't.
    """
    if len(begun) == 1 and len(begun[0].values) == 1:
        (only,) = begun
        if only.waiting:
            only.values = list(await results(only.values, only.together))
        return None
    waiting = [(one.values, index) for one in begun for index in one.waiting]
    if not waiting:
        return None
    settled = await results([values[index] for values, index in waiting], begun[0].together)
    if type(settled) is UndecodedTogether and all(len(one.values) == 1 for one in begun):
        return settled
    for (values, index), value in zip(waiting, settled, strict=True):
        values[index] = value
    return None


def take_apart(begun: Sequence[Begun], settled: UndecodedTogether) -> None:
    """Give each step its own of what came as one."""
    for one, value in zip(begun, settled, strict=True):
        one.values = [value]


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


async def results(awaitables: Sequence[Awaitable[Any]], together: Together | None = None) -> Sequence[Any]:
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


def _calls(run: "Run", step: Field, parents: list[Any], containers: list[Container]) -> list[Any]:
    try:
        arguments = step.arguments(run.variables)
    except GraphQLError as error:
        return [error] * len(parents)
    values: list[Any] = []
    call = step.call or _resolver(run, step)
    for source, container in zip(parents, containers, strict=True):
        try:
            values.append(call(source, StepInfo(run, step, container), dict(arguments)))
        except Exception as error:
            values.append(error)
    return values


def _resolver(run: "Run", step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
    """What is called with a parent, the place and the arguments, with all that is put around it."""
    resolve: Any = step.definition.resolve or default_field_resolver
    if run.middleware is not None:
        resolve = run.middleware.get_field_resolver(resolve)
    return lambda source, info, arguments: resolve(source, info, **arguments)


def _batch(run: "Run", step: Field, parents: list[Any], containers: list[Container]) -> Any:
    assert step.batch is not None and step.info is not None
    info = step.info(StepInfo(run, step, containers[0]))
    try:
        arguments = step.arguments(run.variables)
        if step.converts:
            converter = run.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
            declared = step.definition.extensions["strawberry-definition"].arguments
            arguments = convert_arguments(arguments, declared, converter.scalar_registry, converter.config, info)
        if step.batch.wants_fields:
            arguments["fields"] = step.wanted
        return step.batch.values(list(parents), info, **arguments)
    except Exception as error:
        return error


def _is_awaitable(value: Any) -> bool:
    kind = type(value)
    return kind is CoroutineType or hasattr(kind, "__await__") or (kind is GeneratorType and isawaitable(value))
