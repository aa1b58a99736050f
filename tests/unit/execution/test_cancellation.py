"""Disconnected clients and deadlines leave no task behind; a failing service nulls only its own fields.

Warnings are errors here: a coroutine that was never awaited, or an exception that was never retrieved, fails a test.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry
from strawberry.permission import PermissionExtension
from strawberry.types.field import StrawberryField

from gateway.execution.planning.batch_resolver import batch
from gateway.execution.strawberry.batch_loader import BatchLoader
from gateway.execution.strawberry.schema import PlanningSchema


class Broken(Exception):
    """The failure of a service."""


class StalledServices:
    """The services of resolvers: calls in ``never`` do not return, and those in ``failing`` fail."""

    def __init__(self, never: frozenset[str] = frozenset(), failing: frozenset[str] = frozenset()) -> None:
        self.loader = BatchLoader()
        self.never = never
        self.failing = failing
        self.waiting = asyncio.Event()
        self.started: list[str] = []
        self.cancelled: list[str] = []

    async def call(self, stage: str) -> str:
        """Return, fail or wait forever."""
        self.started.append(stage)
        if stage in self.never:
            if self.never <= set(self.started):
                self.waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.append(stage)
                raise
        await asyncio.sleep(0)
        if stage in self.failing:
            raise Broken(stage)
        return stage


async def _batched(parents: list[Any], info: strawberry.Info) -> list[str]:
    return [await info.context.call("batch")] * len(parents)


async def _items(info: strawberry.Info) -> AsyncIterator[Any]:
    for number in range(3):
        yield Part(name=await info.context.call(f"item {number}"))


class AsyncPermission(strawberry.BasePermission):
    """A permission, with which a batch is resolved parent by parent, by the loader."""

    message = "no"

    def has_permission(self, source: Any, info: strawberry.Info, **_: Any) -> bool:
        return True


def _guarded() -> StrawberryField:
    field = batch(_batched, graphql_type=str | None)
    field.extensions.append(PermissionExtension([AsyncPermission()]))
    return field


@strawberry.type
class Part:
    name: str
    batched = batch(_batched, graphql_type=str | None)
    guarded = _guarded()

    @strawberry.field
    async def called(self, info: strawberry.Info) -> str | None:
        """A resolver below others."""
        return f"{self.name} {await info.context.call('below')}"

    @strawberry.field
    async def must(self, info: strawberry.Info) -> str:
        """A non-null field."""
        return str(await info.context.call("must"))


@strawberry.type
class Query:
    @strawberry.field
    async def resolver(self, info: strawberry.Info) -> str | None:
        """A resolver of the root."""
        return str(await info.context.call("resolver"))

    @strawberry.field
    def parts(self) -> list[Part]:
        """At once."""
        return [Part(name=name) for name in "abc"]

    @strawberry.field
    def may_parts(self) -> list[Part | None]:
        """At once, and each may be null."""
        return [Part(name=name) for name in "abc"]

    @strawberry.field
    def awaited(self, info: strawberry.Info) -> list[str | None]:
        """A list of awaitables."""
        return [info.context.call(f"value {number}") for number in range(3)]

    @strawberry.field
    def items(self, info: strawberry.Info) -> list[Part]:
        """An asynchronous iterator."""
        return _items(info)  # type: ignore[return-value]


class Schema(PlanningSchema):
    """A schema that does not log errors."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Do nothing."""


SCHEMA = Schema(Query)
TEXT = "{ resolver awaited items { name } parts { batched called name } again: parts { guarded } }"

STAGES = [
    ["resolver"],
    ["batch"],
    ["below"],
    ["value 1"],
    ["item 1"],
    ["resolver", "batch"],
    ["value 0", "value 2", "below"],
    ["resolver", "item 2", "batch", "below", "value 1"],
]


def _others() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


async def _check_no_leaks(services: StalledServices) -> None:
    """Fail if a task is running, a started call was not cancelled, or garbage collection raises a warning."""
    await asyncio.sleep(0)  # done callbacks run
    assert not _others()
    assert set(services.cancelled) == services.never
    gc.collect()


@pytest.mark.parametrize("never", STAGES, ids=" and ".join)
async def test_a_client_disconnects(never: list[str]) -> None:
    services = StalledServices(frozenset(never))
    execution = asyncio.ensure_future(SCHEMA.execute(TEXT, context_value=services))
    async with asyncio.timeout(60):
        await services.waiting.wait()
        execution.cancel()
        with pytest.raises(asyncio.CancelledError):
            await execution
    await _check_no_leaks(services)


@pytest.mark.parametrize("never", STAGES, ids=" and ".join)
async def test_a_deadline_passes(never: list[str]) -> None:
    services = StalledServices(frozenset(never))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as deadline:

                async def passes() -> None:
                    await services.waiting.wait()
                    deadline.reschedule(loop.time())

                clock = asyncio.ensure_future(passes())
                await SCHEMA.execute(TEXT, context_value=services)
        await clock
    await _check_no_leaks(services)


async def test_a_client_disconnects_before_execution() -> None:
    services = StalledServices()
    execution = asyncio.ensure_future(SCHEMA.execute(TEXT, context_value=services))
    execution.cancel()
    with pytest.raises(asyncio.CancelledError):
        await execution
    await _check_no_leaks(services)
    assert services.started == []


ANSWER = {
    "resolver": "resolver",
    "awaited": ["value 0", "value 1", "value 2"],
    "items": [{"name": f"item {number}"} for number in range(3)],
    "parts": [{"batched": "batch", "called": f"{name} below", "name": name} for name in "abc"],
    "again": [{"guarded": "batch"}] * 3,
}

FAILURES: dict[str, tuple[Any, list[list[str | int]]]] = {
    "resolver": ({**ANSWER, "resolver": None}, [["resolver"]]),
    "batch": (
        {
            **ANSWER,
            "parts": [{"batched": None, "called": f"{name} below", "name": name} for name in "abc"],
            "again": [{"guarded": None}] * 3,
        },
        [[key, index, name] for key, name in (("parts", "batched"), ("again", "guarded")) for index in range(3)],
    ),
    "below": (
        {**ANSWER, "parts": [{"batched": "batch", "called": None, "name": name} for name in "abc"]},
        [["parts", index, "called"] for index in range(3)],
    ),
    "value 1": ({**ANSWER, "awaited": ["value 0", None, "value 2"]}, [["awaited", 1]]),
    "item 1": (None, [["items"]]),
}


@pytest.mark.parametrize("failing", FAILURES)
async def test_a_service_fails_in_the_middle_of_a_level(failing: str) -> None:
    services = StalledServices(failing=frozenset([failing]))
    shown, paths = FAILURES[failing]
    async with asyncio.timeout(60):
        result = await SCHEMA.execute(TEXT, context_value=services)
    assert result.data == shown
    assert sorted(map(str, (error.path for error in result.errors or []))) == sorted(map(str, paths))
    assert {error.message for error in result.errors or []} == {failing}
    await _check_no_leaks(services)


async def test_nothing_fails() -> None:
    services = StalledServices()
    result = await SCHEMA.execute(TEXT, context_value=services)
    assert (result.data, result.errors) == (ANSWER, None)
    assert services.started.count("batch") == 2, "one call for all parents of a level"
    await _check_no_leaks(services)


async def test_a_discarded_parent_leaves_no_task() -> None:
    """The calls for a discarded parent are awaited."""
    services = StalledServices(failing=frozenset(["must"]))
    text = "{ mayParts { must called batched } resolver }"
    async with asyncio.timeout(60):
        result = await SCHEMA.execute(text, context_value=services)
    assert result.data == {"mayParts": [None, None, None], "resolver": "resolver"}
    assert sorted(error.path or [] for error in result.errors or []) == [
        ["mayParts", index, "must"] for index in range(3)
    ]
    await _check_no_leaks(services)


async def test_a_base_exception_leaves_no_task() -> None:
    """A failure of the executor itself cancels the concurrent steps."""
    services = StalledServices(frozenset(["below"]))

    class Stop(BaseException):
        """An exception like that of a process that has to stop."""

    async def stops(stage: str) -> str:
        if stage == "batch":
            await services.waiting.wait()
            raise Stop
        return await StalledServices.call(services, stage)

    services.call = stops  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        with pytest.raises(Stop):
            await SCHEMA.execute("{ parts { called batched } }", context_value=services)
    await _check_no_leaks(services)
