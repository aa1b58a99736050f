"""Running a plan: breadth first, every step asked once for all the parents of its level."""

from collections.abc import Sequence
from itertools import compress
from typing import Any

import msgspec
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, MiddlewareManager
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues

from gateway.execution.answer import Answer, Container
from gateway.execution.asking import Begun, ask, groups_of, results, settle, side_by_side, take_apart
from gateway.execution.careful import Awaited, Careful
from gateway.execution.plan import Field, Plan
from gateway.execution.pushed import Scalars, setter
from gateway.execution.pushing import push, push_together, put_all
from gateway.execution.step_info import StepInfo
from services.chassis import metrics
from services.chassis.rpc import undecoded


class Run:
    """One execution of a plan.

    ``parents`` and ``containers`` hold, by step, what waits for it: parents, and the parts of the answer in which the
    step's value for each is to be put.
    """

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
        self.parents: list[list[Any]] = [[] for _ in range(plan.size)]
        self.containers: list[list[Container]] = [[] for _ in range(plan.size)]
        self.hidden: list[tuple[list[msgspec.Struct], list[str]]] = []
        """What of the answer's structs is no part of it."""

    async def execute(self) -> ExecutionResult:
        """Run it to the end: the answer as graphql-core gives it."""
        plan, answer = self.plan, self.answer
        if plan.blank is None:
            await self._look_at_root()
        else:
            answer.data = data = dict(plan.blank)
            for step in plan.steps:
                self.wait(step.index, self.root_value, data)
        if plan.serial:
            for step in plan.steps:
                await self._steps([step])
        else:
            await self._steps(plan.steps)
        for structs, names in self.hidden:
            for name in names:
                setter(name)(structs, [msgspec.UNSET] * len(structs))
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

    def wait(self, step: int, parent: Any, container: Container) -> None:
        """Have one more wait for a step."""
        self.parents[step].append(parent)
        self.containers[step].append(container)

    def wait_all(self, step: int, structs: list[Any]) -> None:
        """Have structs wait for a step, each the parent and the container of its value. The list is not changed."""
        self.parents[step] = self.parents[step] + structs if self.parents[step] else structs
        self.containers[step] = self.containers[step] + structs if self.containers[step] else structs

    def info(self, field: Field, container: Container | None = None) -> StepInfo:
        return StepInfo(self, field, container)

    def refuse_type(self, name: Any, kind: Any, field: Field, value: Any) -> None:
        """Raise what is wrong with the name of a runtime type."""
        judge = Executor.__new__(Executor)
        judge.schema = self.schema
        judge.ensure_valid_runtime_type(name, kind, _details(field), self.info(field), value)  # type: ignore[arg-type]

    async def _steps(self, steps: Sequence[Field]) -> None:
        """The steps that something waits for, side by side, and what they lead to."""
        while steps:
            begun = [one for step in steps if self.parents[step.index] and (one := self._begin(step))]
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
        as_one = await settle(begun)
        following = [step for one in begun for step in one.step.steps]
        if as_one is not None:
            if push_together(self, begun, as_one):
                return following
            take_apart(begun, as_one)
        for one in begun:
            step, values = one.step, one.values
            if step.batch is not None:
                values = values[0]
            if not push(self, step, one.containers, values):
                awaited = self._complete(step, one.containers, _as_declared(step, values, len(one.containers)))
                if awaited:
                    await self._settle(awaited)
        return following

    def _begin(self, step: Field) -> Begun | None:
        """Ask the resolvers of a step; None if nothing waits for it any more."""
        parents, containers = self._taken(step)
        if self.answer.nulled:
            places = self.answer.places()
            here = [id(container) in places for container in containers]
            parents, containers = list(compress(parents, here)), list(compress(containers, here))
        return ask(self, step, parents, containers) if parents else None

    def _taken(self, step: Field) -> tuple[list[Any], list[Container]]:
        index = step.index
        taken = self.parents[index], self.containers[index]
        self.parents[index], self.containers[index] = [], []
        return taken

    def _complete(self, step: Field, containers: list[Container], values: Sequence[Any]) -> list[Awaited]:
        complete = step.complete
        try:
            put_all(step, containers, [complete(value, self) for value in values])
        except Exception:
            # Whatever it was: it is looked at carefully. What was noted meanwhile is noted anew.
            failed = any(isinstance(value, Exception) for value in values)
            metrics.COMPLETIONS.labels("careful", "an error" if failed else "an unusual value").inc()
            for below in step.steps:
                self._taken(below)
            awaited: list[Awaited] = []
            careful = Careful(self, self.answer, awaited)
            for container, value in zip(containers, values, strict=True):
                careful.place(container, step.key, step.type, step, value)
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


def _as_declared(step: Field, values: Any, parents: int) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if step.batch is None:
        return [undecoded.as_declared(value) for value in values]
    return step.batch.each_of(values, parents)


def _details(field: Field) -> Any:
    return [FieldDetails(node, None) for node in field.nodes]
