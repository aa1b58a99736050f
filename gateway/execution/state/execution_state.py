"""What one execution of a plan has in hand."""

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import GraphQLSchema, MiddlewareManager
from graphql.execution.values import VariableValues

from gateway.execution.planning.plan import Plan
from gateway.execution.state.response import ResponseBuilder, ResponseContainer


class ExecutionState:
    """One execution of a plan, with what it was given. ``scalars``: see ``pushed``.

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
        self.middleware = middleware
        self.operation_extensions = operation_extensions
        self.response = ResponseBuilder(plan)
        self.parents: list[list[Any]] = list(map(list, plan.no_parents))
        self.containers: list[list[ResponseContainer]] = list(map(list, plan.no_parents))
        self.hidden: list[tuple[list[msgspec.Struct], list[str]]] = []
        """What of the answer's structs is no part of it."""

    def enqueue(self, step: int, parent: Any, container: ResponseContainer) -> None:
        """Have one more wait for a step."""
        self.parents[step].append(parent)
        self.containers[step].append(container)
