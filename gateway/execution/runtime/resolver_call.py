"""Calls of a step's resolver, compiled with the plan: each does only what its step needs."""

from collections.abc import Callable
from typing import Any

from graphql import default_field_resolver
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from gateway.execution.compat import convert_arguments, strawberry_definition
from gateway.execution.planning.batch_resolver import BatchResolver
from gateway.execution.planning.plan import Field, Plan, ResolverCall
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.resolve_info import ResolveInfo
from gateway.execution.state.response import ResponseContainer


def resolver_with_middleware(state: ExecutionState, step: Field) -> Callable[[Any, Any, dict[str, Any]], Any]:
    """Return the function that takes a parent, the info and the arguments, with the middleware around the resolver."""
    if step.direct_resolver is not None:
        return step.direct_resolver
    resolve: Any = step.definition.resolve or default_field_resolver
    if state.middleware is not None:
        resolve = state.middleware.get_field_resolver(resolve)
    return lambda source, info, arguments: resolve(source, info, **arguments)


def compile_resolver_calls(plan: Plan, converter: GraphQLCoreConverter) -> None:
    """Set the ``resolver_call`` of each step of a plan."""
    for step in plan.all_steps():
        step.resolver_call = _single_call(step) if step.batch is None else _batch_call(step, step.batch, converter)


def _single_call(step: Field) -> ResolverCall:
    """Return the call of an ordinary resolver, with one parent."""
    return lambda state, parents, container: resolver_with_middleware(state, step)(
        parents[0], ResolveInfo(state, step, container), step.arguments(state.variables)
    )


def _batch_call(step: Field, batch: BatchResolver, converter: GraphQLCoreConverter) -> ResolverCall:
    """Return the call of a batch, with all parents."""
    declared: StrawberryField = step.definition.extensions[strawberry_definition]
    info_class: Callable[[Any, StrawberryField], Any] = converter.config.info_class
    resolve, coerce_arguments, selected_names = batch.resolve, step.arguments, step.selected_names
    if not (step.definition.args or batch.takes_selected_fields):
        return lambda state, parents, container: resolve(
            list(parents), info_class(ResolveInfo(state, step, container), declared)
        )

    def call(state: ExecutionState, parents: list[Any], container: ResponseContainer) -> Any:
        info = info_class(ResolveInfo(state, step, container), declared)
        arguments = coerce_arguments(state.variables)
        if step.converts_arguments:
            arguments = convert_arguments(
                arguments, declared.arguments, converter.scalar_registry, converter.config, info
            )
        if batch.takes_selected_fields:
            arguments["fields"] = selected_names
        return resolve(list(parents), info, **arguments)

    return call
