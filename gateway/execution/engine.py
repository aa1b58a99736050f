"""Engine: executes the operations of a Strawberry schema by plans, which it compiles once and caches.

It replaces graphql-core's ``execute``, with the same parameters and the same results;
``gateway.execution.strawberry.schema`` gives a Strawberry schema an engine. Introspection runs on graphql-core: it is
too rare to be worth a plan.
"""

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    MiddlewareManager,
    OperationDefinitionNode,
    execute,
)
from graphql.execution import Executor, VariableValues

from gateway.execution import compat
from gateway.execution.completion.compiler import compile_completion
from gateway.execution.cost.compiler import compile_cost
from gateway.execution.documents import Document, DocumentCache, DocumentOperation, PlanFactory
from gateway.execution.limits import validation
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.planning.plan import Plan
from gateway.execution.planning.planner import Planner
from gateway.execution.planning.variables import compile_variable_coercion
from gateway.execution.projection.compiler import PassthroughScalars
from gateway.execution.runtime.executor import execute_plan
from gateway.execution.runtime.resolver_call import compile_resolver_calls
from gateway.execution.state.execution_state import ExecutionState
from services.chassis.rpc.raw_result import decode_if_raw
from services.chassis.telemetry import metrics

_PLAN_EXECUTIONS = metrics.EXECUTIONS.labels("plan", "")
_EVENT_EXECUTIONS = metrics.EXECUTIONS.labels("plan", "event")


class Engine:
    """The executor of one schema, with its caches of valid documents and their plans.

    ``scalars``: the custom scalars with the same JSON in GraphQL and in services, and the types to decode them as.
    """

    def __init__(self, schema: strawberry.Schema, scalars: PassthroughScalars) -> None:
        self._strawberry = schema
        self._schema = compat.graphql_schema(schema)
        self._scalars = scalars
        self.documents = DocumentCache()
        self._middleware_documents = DocumentCache()

    def execute(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        variable_values: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        middleware: MiddlewareManager | None = None,
        **named: Any,
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Execute one operation of a valid document."""
        active = active_middleware(middleware)
        cache, _ = self._plan_cache(active)
        cached = cache.get_or_add(document)
        operation = cached.operation(operation_name)
        if operation is None or operation.introspects:
            metrics.EXECUTIONS.labels("graphql-core", "introspection" if operation else "no operation").inc()
            result: Any = execute(
                schema, document, root_value, context_value, dict(variable_values or {}), operation_name,
                middleware=MiddlewareManager(_decode_result, *(active.middlewares if active else ())), **named,
            )  # fmt: skip
            return result  # type: ignore[no-any-return]
        return self._coerce_and_execute(
            DocumentOperation(cached, operation),
            variable_values,
            context_value,
            root_value,
            active,
            named.get("operation_extensions"),
        )

    def parse_and_validate(self, text: str, limits: OperationLimits) -> Document | list[GraphQLError]:
        """Return the document of a text, and cache it; return the errors of a text that is not valid or too large."""
        document = validation.parse_and_validate(self._schema, text, limits)
        return document if isinstance(document, list) else self.documents.get_or_add(document)

    def coerce_variables(
        self, document_operation: DocumentOperation, given: Mapping[str, Any] | None
    ) -> VariableValues | list[GraphQLError]:
        """Return the coerced variables of a request, or their errors."""
        operation = document_operation.operation
        if operation.coerce_variables is None:
            operation.coerce_variables = compile_variable_coercion(self._schema, operation.node)
        return operation.coerce_variables(given)

    def cost(self, document_operation: DocumentOperation, variables: VariableValues) -> int:
        """Return the cost of an operation with these variables."""
        operation = document_operation.operation
        if operation.cost_function is None:
            operation.cost_function = compile_cost(self._schema, document_operation.document, operation.node)
        return operation.cost_function(variables.coerced)

    def execute_prepared(
        self,
        document_operation: DocumentOperation,
        variables: VariableValues,
        given: Mapping[str, Any] | None,
        context: Any,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        """Execute a query or a mutation; ``given`` are its variables before coercion."""
        if document_operation.operation.introspects:
            return self._execute_introspection(document_operation, given, context)
        return self._execute_by_plan(document_operation, variables, context, None, None, operation_extensions)

    async def _execute_introspection(
        self, document_operation: DocumentOperation, given: Mapping[str, Any] | None, context: Any
    ) -> ExecutionResult:
        document, name = document_operation.document.node, document_operation.operation.node.name
        result = self.execute(self._schema, document, None, context, given, name.value if name else None)
        return await result if isawaitable(result) else result

    async def _coerce_and_execute(
        self, document_operation: DocumentOperation, given: Mapping[str, Any] | None, *rest: Any
    ) -> ExecutionResult:
        variables = self.coerce_variables(document_operation, given)
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        return await self._execute_by_plan(document_operation, variables, *rest)

    def _execute_by_plan(
        self,
        document_operation: DocumentOperation,
        variables: VariableValues,
        context: Any,
        root_value: Any,
        middleware: MiddlewareManager | None,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        cache, compile_plan = self._plan_cache(middleware)
        try:
            plan = cache.plan_for(document_operation, variables.coerced, compile_plan)
        except GraphQLError as error:
            return _planning_error_result(error)
        _PLAN_EXECUTIONS.inc()
        state = ExecutionState(
            plan, self._schema, variables, context, root_value, self._scalars, middleware, operation_extensions
        )
        return execute_plan(state)

    def event_plan(self, stream: Executor[Any]) -> Plan:
        """Return the plan for each event of a source stream, which graphql-core has created."""
        operation = stream.operation
        assert operation.loc is not None, "documents are parsed from texts"
        text = operation.loc.source.body
        cache, compile_plan = self._plan_cache(active_middleware(stream.middleware_manager))
        document = cache.find(text)
        if document is None:  # evicted since it was validated
            document = Document(text, DocumentNode(definitions=(operation, *stream.fragment_definitions.values())))
        return cache.plan(document, operation, stream.variable_values.coerced, compile_plan)

    async def execute_event(self, plan: Plan, event: Executor[Any]) -> ExecutionResult:
        """Execute the operation for one event, whose payload is the root value."""
        _EVENT_EXECUTIONS.inc()
        state = ExecutionState(
            plan,
            event.schema,
            event.variable_values,
            event.context_value,
            event.root_value,
            self._scalars,
            active_middleware(event.middleware_manager),
            operation_extensions=getattr(event, "operation_extensions", None),
        )
        return await execute_plan(state)

    def _plan_cache(self, middleware: MiddlewareManager | None) -> tuple[DocumentCache, PlanFactory]:
        """Return the cache of plans and the function that compiles one. Plans for middleware differ from the others."""
        if middleware is None:
            return self.documents, self._plan
        return self._middleware_documents, self._plan_with_middleware

    def _plan(
        self,
        document: Document,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, Any],
        *,
        has_middleware: bool = False,
    ) -> Plan:
        planner = Planner(self._schema, document.fragments, conditions, has_middleware=has_middleware)
        plan = planner.plan(operation)
        compile_resolver_calls(plan, compat.converter_of(self._schema))
        compile_completion(plan, self._strawberry.config.default_resolver)
        return plan

    def _plan_with_middleware(
        self, document: Document, operation: OperationDefinitionNode, conditions: Mapping[str, Any]
    ) -> Plan:
        return self._plan(document, operation, conditions, has_middleware=True)


async def _planning_error_result(error: GraphQLError) -> ExecutionResult:
    return ExecutionResult(None, [error])


def active_middleware(middleware: MiddlewareManager | None) -> MiddlewareManager | None:
    """Return the middleware that wraps every resolver; None if there is none."""
    return middleware if middleware is not None and middleware.middlewares else None


def _decode_result(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
    """Decode the raw results of resolvers, which graphql-core can't complete."""
    value = resolve(source, info, **arguments)
    return _decode_awaited_result(value) if isawaitable(value) else decode_if_raw(value)


async def _decode_awaited_result(awaitable: Awaitable[Any]) -> Any:
    return decode_if_raw(await awaitable)
