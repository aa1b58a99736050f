"""Running a plan: breadth first, every step asked once for all the parents of its level."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from gateway.execution.answer import Answer, Container, attributes
from gateway.execution.careful import Awaited, Careful
from gateway.execution.plan import Field, Kind, Plan
from gateway.execution.pushed import Scalars, push_down
from services.chassis import metrics
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

    async def result(self) -> ExecutionResult:
        """Run it to the end: the answer as graphql-core gives it."""
        answer = await self.execute()
        return ExecutionResult(answer.data, answer.errors or None)

    async def execute(self) -> Answer:
        """Run it to the end."""
        answer, awaited = self.answer, list[Awaited]()
        # The root has no place that could be looked for: its fields are completed into it one by one.
        answer.data = {}
        try:
            answer.data = Careful(self, answer, awaited).selection(self.plan.root, self.root_value, [])
        except GraphQLError as error:
            answer.data = None
            answer.errors.append(error)
        await self._settle(awaited)
        if self.plan.operation.operation is OperationType.MUTATION:
            for step in self.plan.steps:
                await self._steps([step])
        else:
            await self._steps(self.plan.steps)
        for struct, names in self.hidden:
            for name in names:
                setattr(struct, name, msgspec.UNSET)
        return answer

    def info(self, field: Field, container: Container | None = None) -> StepInfo:
        return StepInfo(self, field, container)

    def refuse_type(self, name: Any, kind: Any, field: Field, value: Any) -> None:
        """Raise what is wrong with the name of a runtime type."""
        judge = Executor.__new__(Executor)
        judge.schema = self.schema
        judge.ensure_valid_runtime_type(name, kind, _details(field), self.info(field), value)  # type: ignore[arg-type]

    async def _steps(self, steps: Sequence[Field]) -> None:
        """The steps that something waits for, side by side."""
        wanted = [step for step in steps if self.pending[step.index]]
        if len(wanted) == 1:
            await self._step(wanted[0])
        elif wanted:
            await _together([self._step(step) for step in wanted])

    async def _step(self, step: Field) -> None:
        """Ask for the values of a step, complete them, and go on with what they lead to."""
        entries, self.pending[step.index] = self.pending[step.index], []
        if self.answer.nulled:
            places = self.answer.places()
            entries = [entry for entry in entries if id(entry[1]) in places]
            if not entries:
                return
        values = await (self._batch(step, entries) if step.kind is Kind.BATCH else self._calls(step, entries))
        if not self._push_down(step, entries, values):
            awaited = self._complete(step, entries, _decoded(step, entries, values))
            if awaited:
                await self._settle(awaited)
        if step.steps:
            await self._steps(step.steps)

    def _push_down(self, step: Field, entries: list[Entry], values: Any) -> bool:
        """Read JSON straight into what was selected of it; False, and nothing is done, where that can not be."""
        batch = type(values) is Undecoded
        if not batch and not (values and all(type(value) is Undecoded for value in values)):
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

    async def _calls(self, step: Field, entries: list[Entry]) -> Sequence[Any]:
        """The values of a resolver, called once for each parent."""
        try:
            arguments = step.arguments(self.variables)
        except GraphQLError as error:
            return [error] * len(entries)
        values: list[Any] = []
        waiting: list[int] = []
        resolve = self._resolver(step)
        for source, container in entries:
            try:
                value = resolve(source, StepInfo(self, step, container), dict(arguments))
            except Exception as error:
                value = error
            if type(value) is CoroutineType or isawaitable(value):
                waiting.append(len(values))
            values.append(value)
        if waiting:
            settled = await _results([values[index] for index in waiting])
            for index, value in zip(waiting, settled, strict=True):
                values[index] = value
        return values

    def _resolver(self, step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
        """What is called with a parent, the place and the arguments."""
        names, call = step.argument_names, step.call
        if names is not None and call is not None:
            info_class, declared = self._config.info_class, step.definition.extensions["strawberry-definition"]
            return lambda source, info, arguments: call(
                source, info_class(info, declared), {names[name]: value for name, value in arguments.items()}
            )
        resolve: Any = step.definition.resolve or default_field_resolver
        if self.middleware is not None:
            resolve = self.middleware.get_field_resolver(resolve)
        return lambda source, info, arguments: resolve(source, info, **arguments)

    @property
    def _config(self) -> Any:
        return self.schema._strawberry_schema.config  # type: ignore[attr-defined]

    async def _batch(self, step: Field, entries: list[Entry]) -> Sequence[Any]:
        """The values of a batch, asked for once."""
        assert step.batch is not None
        info: Any = StepInfo(self, step, entries[0][1] if entries else None)
        declared: Any = step.definition.extensions["strawberry-definition"]
        made = self._config.info_class(info, declared)
        try:
            arguments = step.arguments(self.variables)
            if step.argument_names is not None:
                arguments = {step.argument_names[name]: value for name, value in arguments.items()}
            else:
                converter = self.schema._strawberry_schema.schema_converter  # type: ignore[attr-defined]
                arguments = convert_arguments(
                    arguments, declared.arguments, converter.scalar_registry, self._config, made
                )
            if step.batch.wants_fields:
                arguments["fields"] = step.wanted
            return await step.batch.values([source for source, _ in entries], made, **arguments)
        except Exception as error:
            return [error] * len(entries)


def _decoded(step: Field, entries: list[Entry], values: Any) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if step.kind is Kind.BATCH:
        assert step.batch is not None
        try:
            values = values.decoded() if type(values) is Undecoded else values
            if len(values) != len(entries):
                raise RuntimeError(f"{step.batch.name}: {len(values)} values for {len(entries)} parents")
        except Exception as error:
            return [error] * len(entries)
    return [_as_declared(value) if type(value) is Undecoded else value for value in values]


def _as_declared(value: Undecoded) -> Any:
    try:
        return value.decoded()
    except msgspec.DecodeError as error:
        return error


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


async def _results(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    """What each gives or raises."""
    if len(awaitables) == 1:
        try:
            return [await awaitables[0]]
        except Exception as error:
            return [error]
    results = await asyncio.gather(*awaitables, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return list(results)


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
    from graphql.execution.collect_fields import FieldDetails

    return [FieldDetails(node, None) for node in field.nodes]
