"""How a step's resolver is called once for a level: worked out with the plan, as little of it as the step needs."""

from collections.abc import Callable
from typing import Any

from graphql import default_field_resolver
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gateway.execution.planning.batch_resolver import BatchResolver
from gateway.execution.planning.plan import Field, Plan, ResolverCall
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.resolve_info import ResolveInfo
from gateway.execution.state.response import ResponseContainer


def resolver_with_middleware(run: ExecutionState, step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
    """What is called with a parent, the place and the arguments, with all that is put around it."""
    if step.direct_resolver is not None:
        return step.direct_resolver
    resolve: Any = step.definition.resolve or default_field_resolver
    if run.middleware is not None:
        resolve = run.middleware.get_field_resolver(resolve)
    return lambda source, info, arguments: resolve(source, info, **arguments)


def compile_resolver_calls(plan: Plan, converter: GraphQLCoreConverter) -> None:
    """Have each step of a plan know how it is called."""
    for step in plan.all_steps():
        step.resolver_call = _single_call(step) if step.batch is None else _batch_call(step, step.batch, converter)


def _single_call(step: Field) -> ResolverCall:
    """The calling of an ordinary resolver, with one parent."""
    return lambda run, parents, container: resolver_with_middleware(run, step)(
        parents[0], ResolveInfo(run, step, container), step.arguments(run.variables)
    )


def _batch_call(step: Field, batch: BatchResolver, converter: GraphQLCoreConverter) -> ResolverCall:
    """The calling of a batch."""
    declared: StrawberryField = step.definition.extensions["strawberry-definition"]
    info_class: Callable[[Any, StrawberryField], Any] = converter.config.info_class
    values, arguments, wanted = batch.values, step.arguments, step.selected_names
    if not (step.definition.args or batch.takes_selected_fields):
        return lambda run, parents, container: values(
            list(parents), info_class(ResolveInfo(run, step, container), declared)
        )

    def once(run: ExecutionState, parents: list[Any], container: ResponseContainer) -> Any:
        info = info_class(ResolveInfo(run, step, container), declared)
        given = arguments(run.variables)
        if step.converts_arguments:
            given = convert_arguments(given, declared.arguments, converter.scalar_registry, converter.config, info)
        if batch.takes_selected_fields:
            given["fields"] = wanted
        return values(list(parents), info, **given)

    return once
