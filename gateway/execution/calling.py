"""How a step's resolver is called once for a level: worked out with the plan, as little of it as the step needs."""

from collections.abc import Callable
from typing import Any

from graphql import default_field_resolver
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gateway.execution.answer import Container
from gateway.execution.batch import Batch
from gateway.execution.plan import Field, Once, Plan
from gateway.execution.run import Run
from gateway.execution.step_info import StepInfo


def resolver(run: Run, step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
    """What is called with a parent, the place and the arguments, with all that is put around it."""
    if step.call is not None:
        return step.call
    resolve: Any = step.definition.resolve or default_field_resolver
    if run.middleware is not None:
        resolve = run.middleware.get_field_resolver(resolve)
    return lambda source, info, arguments: resolve(source, info, **arguments)


def work_out(plan: Plan, converter: GraphQLCoreConverter) -> None:
    """Have each step of a plan know how it is called."""
    for step in plan.every_step():
        step.once = _of_one(step) if step.batch is None else _of_batch(step, step.batch, converter)


def _of_one(step: Field) -> Once:
    """The calling of an ordinary resolver, with one parent."""
    return lambda run, parents, container: resolver(run, step)(
        parents[0], StepInfo(run, step, container), step.arguments(run.variables)
    )


def _of_batch(step: Field, batch: Batch, converter: GraphQLCoreConverter) -> Once:
    """The calling of a batch."""
    declared: StrawberryField = step.definition.extensions["strawberry-definition"]
    info_class: Callable[[Any, StrawberryField], Any] = converter.config.info_class
    values, arguments, wanted = batch.values, step.arguments, step.wanted
    if not (step.definition.args or batch.wants_fields):
        return lambda run, parents, container: values(
            list(parents), info_class(StepInfo(run, step, container), declared)
        )

    def once(run: Run, parents: list[Any], container: Container) -> Any:
        info = info_class(StepInfo(run, step, container), declared)
        given = arguments(run.variables)
        if step.converts:
            given = convert_arguments(given, declared.arguments, converter.scalar_registry, converter.config, info)
        if batch.wants_fields:
            given["fields"] = wanted
        return values(list(parents), info, **given)

    return once
