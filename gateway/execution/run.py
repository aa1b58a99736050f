"""Running a plan: breadth first, every step asked once for all the parents of its level."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from inspect import isawaitable
from types import CoroutineType
from typing import Any

import msgspec
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    MiddlewareManager,
    OperationDefinitionNode,
    OperationType,
    default_field_resolver,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from gateway.execution.answer import Answer, Container, attributes
from gateway.execution.careful import Awaited, Careful
from gateway.execution.plan import Field, Kind, Plan
from gateway.execution.pushed import Scalars, push_down
from services.chassis import metrics
from services.chassis.rpc import undecoded
from services.chassis.rpc.undecoded import Undecoded

Entry = tuple[Any, Any]
"""A parent, and the part of the answer in which the value of a step is to be put."""


class StepInfo:
    """What a resolver may ask about its place: as graphql-core's GraphQLResolveInfo. A path is found when asked for."""

    __slots__ = ("_container", "_field", "_run")

    is_awaitable = staticmethod(isawaitable)
    abort_signal = None
    async_helpers = None

    def __init__(self, run: "Run", field: Field, container: Container | None) -> None:
        self._run = run
        self._field = field
        self._container = container

    @property
    def field_name(self) -> str:
        name: str = self._field.nodes[0].name.value
        return name

    @property
    def field_nodes(self) -> list[FieldNode]:
        return self._field.nodes

    @property
    def return_type(self) -> GraphQLOutputType:
        return self._field.type

    @property
    def parent_type(self) -> GraphQLObjectType:
        return self._field.parent

    @property
    def path(self) -> Path | None:
        if self._container is None:
            return None
        return self._run.answer.linked(self._container, self._field.key, self._field.parent.name)

    @property
    def schema(self) -> GraphQLSchema:
        return self._run.schema

    @property
    def fragments(self) -> Mapping[str, Any]:
        return self._run.plan.fragments

    @property
    def root_value(self) -> Any:
        return self._run.root_value

    @property
    def operation(self) -> OperationDefinitionNode:
        return self._run.plan.operation

    @property
    def variable_values(self) -> dict[str, Any]:
        return self._run.variables.coerced

    @property
    def operation_extensions(self) -> dict[str, Any] | None:
        return self._run.operation_extensions

    @property
    def context(self) -> Any:
        return self._run.context

    @property
    def memo(self) -> dict[Hashable, Any]:
        """What was worked out of the selection here, for all executions of the plan."""
        return self._field.memo


class Run:
    """One execution of a plan. ``pending`` holds, by step, the parents that wait for it."""

    def __init__(
        self,
        plan: Plan,
        schema: GraphQLSchema,
        variables: VariableValues,
        context: Any,
        root_value: Any,
        scalars: Scalars,
        middleware: MiddlewareManager | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.schema = schema
        self.variables = variables
        self.context = context
        self.root_value = root_value
        self.scalars = scalars
        self.middleware = middleware
        self.operation_extensions = operation_extensions
        self.answer = Answer(plan)
        self.pending: list[list[Entry]] = [[] for _ in range(plan.size)]
        self.hidden: list[tuple[msgspec.Struct, list[str]]] = []
        """What of the answer's structs is no part of it."""

    async def execute(self) -> ExecutionResult:
        """Run it to the end: the answer as graphql-core gives it."""
        plan, answer = self.plan, self.answer
        if plan.blank is None:
            await self._look_at_root()
        else:
            answer.data = data = dict(plan.blank)
            for step in plan.steps:
                self.pending[step.index].append((self.root_value, data))
        if plan.operation.operation is OperationType.MUTATION:
            for step in plan.steps:
                await self._steps([step])
        else:
            await self._steps(plan.steps)
        for struct, names in self.hidden:
            for name in names:
                setattr(struct, name, msgspec.UNSET)
        return ExecutionResult(answer.data, answer.errors or None)

    async def _look_at_root(self) -> None:
        """Complete what the root value has itself, field by field: the root has no place that could be looked for."""
        answer, awaited = self.answer, list[Awaited]()
        answer.data = {}
        try:
            answer.data = Careful(self, answer, awaited).selection(self.plan.root, self.root_value, [])
        except GraphQLError as error:
            answer.data = None
            answer.errors.append(error)
        await self._settle(awaited)

    def info(self, field: Field, container: Container | None = None) -> StepInfo:
        return StepInfo(self, field, container)

    def refuse_type(self, name: Any, kind: Any, field: Field, value: Any) -> None:
        """Raise what is wrong with the name of a runtime type."""
        judge = Executor.__new__(Executor)
        judge.schema = self.schema
        judge.ensure_valid_runtime_type(name, kind, _details(field), self.info(field), value)  # type: ignore[arg-type]

    async def _steps(self, steps: Iterable[Field]) -> None:
        """The steps that something waits for, side by side, and what they lead to."""
        begun = [one for step in steps if self.pending[step.index] and (one := self._begin(step))]
        if len(begun) == 1:
            await self._go_on(begun)
        elif begun:
            together: dict[type, list[Begun]] = {}
            for one in begun:
                together.setdefault(one.kind, []).append(one)
            alone = together.pop(type(None), [])
            groups = [*together.values(), *([one] for one in alone)]
            try:
                await (self._go_on(groups[0]) if len(groups) == 1 else _together([self._go_on(one) for one in groups]))
            except BaseException:
                for one in begun:
                    one.give_up()
                raise

    async def _go_on(self, begun: Sequence["Begun"]) -> None:
        """Await the values of steps, complete them, and go on with what they lead to."""
        waiting = [(one.values, index) for one in begun for index in one.waiting]
        if waiting:
            settled = await _results([values[index] for values, index in waiting])
            for (values, index), value in zip(waiting, settled, strict=True):
                values[index] = value
        following: list[Field] = []
        for one in begun:
            step, entries = one.step, one.entries
            values = one.values[0] if step.kind is Kind.BATCH else one.values
            if not self._push_down(step, entries, values):
                awaited = self._complete(step, entries, _as_declared(step, entries, values))
                if awaited:
                    await self._settle(awaited)
            following += step.steps
        if following:
            await self._steps(following)

    def _begin(self, step: Field) -> "Begun | None":
        """Ask the resolvers of a step; None if nothing waits for it any more."""
        entries, self.pending[step.index] = self.pending[step.index], []
        if self.answer.nulled:
            places = self.answer.places()
            entries = [entry for entry in entries if id(entry[1]) in places]
            if not entries:
                return None
        values = [self._batch(step, entries)] if step.kind is Kind.BATCH else self._calls(step, entries)
        return Begun(step, entries, values)

    def _push_down(self, step: Field, entries: list[Entry], values: Any) -> bool:
        """Read JSON straight into what was selected of it; False, and nothing is done, where that can not be."""
        batch = type(values) is Undecoded
        if not batch and not (type(values) is list and values and all(type(value) is Undecoded for value in values)):
            return False
        kind = values.kind if batch else values[0].kind
        if not batch and any(value.kind != kind for value in values):
            return _not_pushed("several types")
        pushed = step.pushed.get(kind)
        if pushed is None:
            pushed = step.pushed[kind] = push_down(step, kind, self.scalars, batch=batch)
        if isinstance(pushed, str):
            return _not_pushed(pushed)
        try:
            read = pushed.decode(values.json) if batch else [pushed.decode(value.json) for value in values]
        except msgspec.DecodeError:
            return _not_pushed("not as declared")
        if len(read) != len(entries):
            return _not_pushed("not one for each parent")
        _put_all(entries, step.key, read)
        if pushed.note is not None:
            if batch:
                pushed.note(read, self)
            else:
                for value in read:
                    pushed.note(value, self)
        _PUSHED.inc()
        return True

    def _complete(self, step: Field, entries: list[Entry], values: Sequence[Any]) -> list[Awaited]:
        key, complete = step.key, step.complete
        try:
            _put_all(entries, key, [complete(value, self) for value in values])
        except Exception:
            # Whatever it was: it is looked at carefully. What was noted meanwhile is noted anew.
            failed = any(isinstance(value, Exception) for value in values)
            metrics.COMPLETIONS.labels("careful", "an error" if failed else "an unusual value").inc()
            for below in step.steps:
                self.pending[below.index].clear()
            awaited: list[Awaited] = []
            careful = Careful(self, self.answer, awaited)
            for (_, container), value in zip(entries, values, strict=True):
                careful.place(container, key, step.type, step, value)
            return awaited
        return []

    async def _settle(self, awaited: list[Awaited]) -> None:
        """Await what was no value yet, and complete it, until nothing is left."""
        while awaited:
            values = await _results([one.value for one in awaited])
            again: list[Awaited] = []
            careful = Careful(self, self.answer, again)
            for one, value in zip(awaited, values, strict=True):
                careful.place(one.container, one.key, one.kind, one.field, value)
            awaited = again

    def _calls(self, step: Field, entries: list[Entry]) -> list[Any]:
        """What a resolver gives, called once for each parent."""
        try:
            arguments = step.arguments(self.variables)
        except GraphQLError as error:
            return [error] * len(entries)
        values: list[Any] = []
        resolve = self._resolver(step)
        for source, container in entries:
            try:
                values.append(resolve(source, StepInfo(self, step, container), dict(arguments)))
            except Exception as error:
                values.append(error)
        return values

    def _resolver(self, step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
        """What is called with a parent, the place and the arguments."""
        call = step.call
        if call is not None:
            info_class, declared = self._config.info_class, step.definition.extensions["strawberry-definition"]
            return lambda source, info, arguments: call(source, info_class(info, declared), arguments)
        resolve: Any = step.definition.resolve or default_field_resolver
        if self.middleware is not None:
            resolve = self.middleware.get_field_resolver(resolve)
        return lambda source, info, arguments: resolve(source, info, **arguments)

    @property
    def _config(self) -> Any:
        return self.schema._strawberry_schema.config  # type: ignore[attr-defined]

    def _batch(self, step: Field, entries: list[Entry]) -> Any:
        """What a batch gives, asked once: an awaitable of the values, or an exception."""
        assert step.batch is not None
        info: Any = StepInfo(self, step, entries[0][1])
        declared: Any = step.definition.extensions["strawberry-definition"]
        made = self._config.info_class(info, declared)
        try:
            arguments = step.arguments(self.variables)
            if step.converts:
                converter = self.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
                arguments = convert_arguments(
                    arguments, declared.arguments, converter.scalar_registry, self._config, made
                )
            if step.batch.wants_fields:
                arguments["fields"] = step.wanted
            return step.batch.values([source for source, _ in entries], made, **arguments)
        except Exception as error:
            return error


class Begun:
    """A step that was asked for. ``values`` are what the resolver gave for each entry, or a batch for all at once.

    Those at ``waiting`` have to be awaited. ``kind`` is their class if they can be awaited together, else that of None.
    """

    __slots__ = ("entries", "kind", "step", "values", "waiting")

    def __init__(self, step: Field, entries: list[Entry], values: list[Any]) -> None:
        self.step = step
        self.entries = entries
        self.values = values
        self.waiting = [index for index, one in enumerate(values) if type(one) is CoroutineType or isawaitable(one)]
        kinds = {type(values[index]) for index in self.waiting}
        kind = kinds.pop() if len(kinds) == 1 else type(None)
        self.kind: type = kind if hasattr(kind, "together") else type(None)

    def give_up(self) -> None:
        """Nobody will await what was not awaited yet."""
        for index in self.waiting:
            if type(one := self.values[index]) is CoroutineType:
                one.close()


def _as_declared(step: Field, entries: list[Entry], values: Any) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if step.kind is not Kind.BATCH:
        return [undecoded.as_declared(value) for value in values]
    assert step.batch is not None
    return step.batch.each_of(values, len(entries))


def _put_all(entries: list[Entry], key: str, values: Sequence[Any]) -> None:
    """Set the same part of each container: they are all of one kind, made by one selection."""
    if type(entries[0][1]) is dict:
        for (_, container), value in zip(entries, values, strict=True):
            container[key] = value
    else:
        name = attributes(type(entries[0][1]))[key]
        for (_, container), value in zip(entries, values, strict=True):
            setattr(container, name, value)


_PUSHED = metrics.COMPLETIONS.labels("pushed", "")


def _not_pushed(why: str) -> bool:
    metrics.COMPLETIONS.labels("compiled", why).inc()
    return False


async def _results(awaitables: Sequence[Awaitable[Any]]) -> Sequence[Any]:
    """What each gives or raises."""
    kinds = set(map(type, awaitables))
    together = getattr(kinds.pop(), "together", None) if len(kinds) == 1 else None
    if together is not None:
        results: Sequence[Any] = await together(awaitables)
        return results
    if len(awaitables) == 1:
        try:
            return [await awaitables[0]]
        except Exception as error:
            return [error]
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return results


async def _together(coroutines: Sequence[Awaitable[None]]) -> None:
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


def _details(field: Field) -> Any:
    return [FieldDetails(node, None) for node in field.nodes]
