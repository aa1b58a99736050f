"""The state of one execution of a plan."""

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import GraphQLSchema, MiddlewareManager
from graphql.execution.values import VariableValues

from gateway.execution.planning.plan import Plan
from gateway.execution.state.response import ResponseBuilder, ResponseContainer


class ExecutionState:
    """One execution of a plan: its arguments, its response and the parents enqueued for each step."""

    def __init__(
        self,
        plan: Plan,
        schema: GraphQLSchema,
        variables: VariableValues,
        context: Any,
        root_value: Any,
        scalars: Mapping[str, Any],
        middleware: MiddlewareManager | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.schema = schema
        self.variables = variables
        self.context = context
        self.root_value = root_value
        self.scalars = scalars
        """The scalars that ``gateway.execution.projection`` decodes without coercion."""
        self.middleware = middleware
        self.operation_extensions = operation_extensions
        self.response = ResponseBuilder(plan)
        self.parents: list[list[Any]] = list(map(list, plan.no_parents))
        """By step: the enqueued parents."""
        self.containers: list[list[ResponseContainer]] = list(map(list, plan.no_parents))
        """By step: the container in the response for the step's value, for each of its parents."""
        self.hidden: list[tuple[list[msgspec.Struct], list[str]]] = []
        """Structs of the response, with the attributes that were decoded for joins and are not selected."""

    def enqueue(self, step: int, parent: Any, container: ResponseContainer) -> None:
        """Enqueue a parent for a step."""
        self.parents[step].append(parent)
        self.containers[step].append(container)
