"""Running a plan: breadth first, every step asked once for all the parents of its level."""

from collections.abc import Sequence
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, MiddlewareManager
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues

from gateway.execution.answer import Answer, Container, attributes
from gateway.execution.asking import Begun, Entry, ask, groups_of, results, settle, side_by_side
from gateway.execution.careful import Awaited, Careful
from gateway.execution.plan import Field, Plan
from gateway.execution.pushed import Scalars, push_down
from gateway.execution.step_info import StepInfo
from services.chassis import metrics
from services.chassis.rpc import undecoded
from services.chassis.rpc.undecoded import Undecoded


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
        if plan.serial:
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

    async def _steps(self, steps: Sequence[Field]) -> None:
        """The steps that something waits for, side by side, and what they lead to."""
        pending = self.pending
        while steps:
            begun = [one for step in steps if pending[step.index] and (one := self._begin(step))]
            groups = groups_of(begun) if len(begun) > 1 else [begun]
            if len(groups) > 1:
                try:
                    await side_by_side([self._go_on(group) for group in groups])
                finally:
                    for one in begun:
                        one.give_up()
                return
            steps = await self._finish(begun)

    async def _go_on(self, begun: Sequence[Begun]) -> None:
        await self._steps(await self._finish(begun))

    async def _finish(self, begun: Sequence[Begun]) -> Sequence[Field]:
        """Await the values of steps, and complete them; the steps that they lead to."""
        await settle(begun)
        following: list[Field] = []
        for one in begun:
            step, entries, values = one.step, one.entries, one.values
            if step.batch is not None:
                values = values[0]
            if not self._push_down(step, entries, values):
                awaited = self._complete(step, entries, _as_declared(step, entries, values))
                if awaited:
                    await self._settle(awaited)
            following += step.steps
        return following

    def _begin(self, step: Field) -> Begun | None:
        """Ask the resolvers of a step; None if nothing waits for it any more."""
        entries, self.pending[step.index] = self.pending[step.index], []
        if self.answer.nulled:
            places = self.answer.places()
            entries = [entry for entry in entries if id(entry[1]) in places]
            if not entries:
                return None
        return ask(self, step, entries)

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
            values = await results([one.value for one in awaited])
            again: list[Awaited] = []
            careful = Careful(self, self.answer, again)
            for one, value in zip(awaited, values, strict=True):
                careful.place(one.container, one.key, one.kind, one.field, value)
            awaited = again


def _as_declared(step: Field, entries: list[Entry], values: Any) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if step.batch is None:
        return [undecoded.as_declared(value) for value in values]
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


def _details(field: Field) -> Any:
    return [FieldDetails(node, None) for node in field.nodes]
