"""Asking the resolvers of a step, and awaiting what they gave."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from inspect import isawaitable
from types import CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from graphql import GraphQLError, default_field_resolver
from strawberry.types.arguments import convert_arguments

from gateway.execution.answer import Container
from gateway.execution.batch import Batch
from gateway.execution.plan import Field
from gateway.execution.step_info import StepInfo

if TYPE_CHECKING:
    from gateway.execution.run import Run

Together = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class Way(NamedTuple):
    """How values of a class are awaited: ``together``, if several can be; ``picks``: they can be told what is read."""

    together: Together | None
    picks: bool


@functools.lru_cache(maxsize=1000)
def _way_of(kind: type) -> Way:
    together = getattr(kind, "together", None) if hasattr(kind, "__await__") else None
    return Way(together, together is not None and hasattr(kind, "pick"))


class Begun(msgspec.Struct, eq=False):
    """A step that was asked for. ``values`` are what the resolver gave for each parent, or a batch for all at once.

    They are put into ``containers``. Those that have to be awaited are, with ``together``, if all of them can be.
    ``is_one``: that is one value, which is what is usual. ``picks``: they can be told what is read of them; then
    ``pushed`` is how that is done.
    """

    step: Field
    containers: list[Container]
    values: list[Any]
    together: Together | None
    is_one: bool
    picks: bool
    pushed: Any = None

    def waiting(self) -> list[int]:
        """Which of the values have to be awaited."""
        return [index for index, one in enumerate(self.values) if _is_awaitable(one)]

    def give_up(self) -> None:
        """Nobody will await what was not awaited yet."""
        for one in self.values:
            if type(one) is CoroutineType:
                one.close()


def ask(run: "Run", step: Field, parents: list[Any], containers: list[Container]) -> Begun:
    """Ask a step's resolver: a batch once, any other once for each parent. What it raises stands among the values."""
    batch = step.batch
    values = (
        _calls(run, step, parents, containers) if batch is None else [_batch(run, step, batch, parents, containers)]
    )
    kind: Any = type(values[0])
    together, picks = _way_of(kind)
    if len(values) == 1:
        return Begun(step, containers, values, together, together is not None, picks)
    begun = Begun(step, containers, values, together, False, picks and all(type(one) is kind for one in values))
    if any(type(values[index]) is not kind for index in begun.waiting()):
        begun.together = None
    return begun


async def settle(begun: Sequence[Begun]) -> None:
    """Await what is to be awaited of steps that are awaited together, or of one."""
    waiting = [(one.values, index) for one in begun for index in one.waiting()]
    if waiting:
        settled = await results([values[index] for values, index in waiting], begun[0].together)
        for (values, index), value in zip(waiting, settled, strict=True):
            values[index] = value


def are_usual(begun: Sequence[Begun]) -> bool:
    """Whether all these steps wait for one value each, and are awaited together."""
    together = begun[0].together
    for one in begun:  # noqa: SIM110 - every request comes by here, and a generator takes longer
        if one.together is not together or not one.is_one:
            return False
    return True


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
    call = step.call or _resolver(run, step)
    if len(parents) == 1:
        try:
            return [call(parents[0], StepInfo(run, step, containers[0]), arguments)]
        except Exception as error:
            return [error]
    values: list[Any] = []
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


def _batch(run: "Run", step: Field, batch: Batch, parents: list[Any], containers: list[Container]) -> Any:
    info = step.info(StepInfo(run, step, containers[0]))
    try:
        arguments = step.arguments(run.variables)
        if step.converts:
            converter = run.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
            declared = step.definition.extensions["strawberry-definition"].arguments
            arguments = convert_arguments(arguments, declared, converter.scalar_registry, converter.config, info)
        if batch.wants_fields:
            arguments["fields"] = step.wanted
        return batch.values(list(parents), info, **arguments)
    except Exception as error:
        return error


def _is_awaitable(value: Any) -> bool:
    kind = type(value)
    return kind is CoroutineType or hasattr(kind, "__await__") or (kind is GeneratorType and isawaitable(value))
