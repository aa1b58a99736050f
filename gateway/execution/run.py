"""What one execution of a plan has in hand."""

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import GraphQLSchema, MiddlewareManager
from graphql.execution.values import VariableValues

from gateway.execution.answer import Answer, Container
from gateway.execution.plan import Plan


class Run:
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
        self.answer = Answer(plan)
        self.parents: list[list[Any]] = list(map(list, plan.nobody))
        self.containers: list[list[Container]] = list(map(list, plan.nobody))
        self.hidden: list[tuple[list[msgspec.Struct], list[str]]] = []
        """What of the answer's structs is no part of it."""

    def wait(self, step: int, parent: Any, container: Container) -> None:
        """Have one more wait for a step."""
        self.parents[step].append(parent)
        self.containers[step].append(container)
