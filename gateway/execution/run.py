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
from gateway.execution.plan import Field, Plan
from gateway.execution.pushed import Scalars
from gateway.execution.pushing import push, push_together
from gateway.execution.setting import put_all, setter
from gateway.execution.step_info import StepInfo
from services.chassis import metrics
from services.chassis.rpc import undecoded
from services.chassis.rpc.undecoded import UndecodedTogether


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
        self.parents: list[list[Any]] = list(map(list, plan.nobody))
        self.containers: list[list[Container]] = list(map(list, plan.nobody))
        self.hidden: list[tuple[list[msgspec.Struct], list[str]]] = []
        """What of the answer's structs is no part of it."""

    async def execute(self) -> ExecutionResult:
        """Run it to the end: the answer as graphql-core gives it."""
        plan, answer = self.plan, self.answer
        if plan.blank is None:
            await self._look_at_root()
        else:
            answer.data = data = plan.blank.copy()
            for step in plan.steps:
                self.parents[step.index], self.containers[step.index] = [self.root_value], [data]
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

    def info(self, field: Field, container: Container | None = None) -> StepInfo:
        return StepInfo(self, field, container)

    def refuse_type(self, name: Any, kind: Any, field: Field, value: Any) -> None:
        """Raise what is wrong with the name of a runtime type."""
        judge = Executor.__new__(Executor)
        judge.schema = self.schema
        judge.ensure_valid_runtime_type(name, kind, _details(field), self.info(field), value)  # type: ignore[arg-type]

    async def _steps(self, steps: Sequence[Field], begun: Sequence[Begun] = ()) -> None:
        """The steps that something waits for, side by side, and what they lead to; those ``begun`` were asked already.

        Each awaited coroutine costs a request, so the usual way goes through few of them.
        """
        while begun or (steps and (begun := self._begin(steps))):
            together = usual_way(begun)
            if together is not None:
                try:
                    settled: Any = await together([one.values[0] for one in begun])
                except Exception as error:
                    settled = [error] * len(begun)
                if type(settled) is UndecodedTogether and (below := push_together(begun, settled, self)) is not None:
                    steps, begun = below, ()
                    continue
                for one, value in zip(begun, settled, strict=True):
                    one.values = [value]
            elif len(begun) == 1 or are_together(begun):
                await settle(begun)
            else:
                try:
                    await side_by_side([self._steps((), group) for group in groups_of(begun)])
                finally:
                    for one in begun:
                        one.give_up()
                return
            for one in begun:
                if not push(one, self):
                    await self._complete(one)
            steps = begun[0].step.steps if len(begun) == 1 else [step for one in begun for step in one.step.steps]
            begun = ()

    def _begin(self, steps: Sequence[Field]) -> list[Begun]:
        """Ask the resolvers of those of these steps that something waits for still, and say what is read of it."""
        begun = []
        for step in steps:
            parents, containers = self.parents[step.index], self.containers[step.index]
            if parents and self.answer.nulled:
                parents, containers = self._left(parents, containers)
            if not parents:
                continue
            begun.append(ask(self, step, parents, containers))
        return begun

    def _left(self, parents: list[Any], containers: list[Container]) -> tuple[list[Any], list[Container]]:
        """What waits for a step and is part of the answer still."""
        places = self.answer.places()
        here = [id(container) in places for container in containers]
        return list(compress(parents, here)), list(compress(containers, here))

    async def _complete(self, begun: Begun) -> None:
        """Complete the values of a step that can't be pushed down."""
        step, containers, values = begun.step, begun.containers, _as_declared(begun)
        complete = step.complete
        try:
            put_all(step, containers, [complete(value, self) for value in values])
        except Exception:
            # Whatever it was: it is looked at carefully. What was noted meanwhile is noted anew.
            failed = any(isinstance(value, Exception) for value in values)
            metrics.COMPLETIONS.labels("careful", "an error" if failed else "an unusual value").inc()
            for below in step.steps:
                self.parents[below.index], self.containers[below.index] = [], []
            awaited: list[Awaited] = []
            careful = Careful(self, self.answer, awaited)
            for container, value in zip(containers, values, strict=True):
                careful.place(container, step.key, step.type, step, value)
            await self._settle(awaited)

    async def _settle(self, awaited: list[Awaited]) -> None:
        """Await what was no value yet, and complete it, until nothing is left."""
        while awaited:
            values = await results([one.value for one in awaited])
            again: list[Awaited] = []
            careful = Careful(self, self.answer, again)
            for one, value in zip(awaited, values, strict=True):
                careful.place(one.container, one.key, one.kind, one.field, value)
            awaited = again


def _as_declared(begun: Begun) -> Sequence[Any]:
    """One value for each parent, as it is declared; an exception where there is none."""
    if begun.step.batch is None:
        return [undecoded.as_declared(value) for value in begun.values]
    return begun.step.batch.each_of(begun.values[0], len(begun.containers))


def _details(field: Field) -> Any:
    return [FieldDetails(node, None) for node in field.nodes]
