"""The information that a resolver gets about its field."""

from collections.abc import Hashable, Mapping
from inspect import isawaitable
from typing import Any, ClassVar

import msgspec
from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, GraphQLSchema, OperationDefinitionNode
from graphql.pyutils import Path

from gateway.execution.planning.plan import Field
from gateway.execution.state.execution_state import ExecutionState
from gateway.execution.state.response import ResponseContainer


class ResolveInfo(msgspec.Struct, eq=False):
    """The interface of graphql-core's GraphQLResolveInfo; the path is computed on access."""

    _state: ExecutionState
    _field: Field
    _container: ResponseContainer | None = None
    is_awaitable: ClassVar = staticmethod(isawaitable)
    abort_signal: ClassVar = None
    async_helpers: ClassVar = None

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
        return self._state.response.path(self._container, self._field.key, self._field.parent.name)

    @property
    def schema(self) -> GraphQLSchema:
        return self._state.schema

    @property
    def fragments(self) -> Mapping[str, Any]:
        return self._state.plan.fragments

    @property
    def root_value(self) -> Any:
        return self._state.root_value

    @property
    def operation(self) -> OperationDefinitionNode:
        return self._state.plan.operation

    @property
    def variable_values(self) -> dict[str, Any]:
        return self._state.variables.coerced

    @property
    def operation_extensions(self) -> dict[str, Any] | None:
        return self._state.operation_extensions

    @property
    def context(self) -> Any:
        return self._state.context

    @property
    def memo(self) -> dict[Hashable, Any]:
        """Results that resolvers derive from the selection alone, for all executions of the plan."""
        return self._field.memo
