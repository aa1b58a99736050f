"""The engine: executes operations on a Strawberry schema by plans, which it makes once and keeps.

It takes the place of graphql-core's ``execute``, with the same parameters and the same answers;
``gateway.execution.strawberry.schema`` shows how a Strawberry schema is given one.

Introspection goes to graphql-core: nobody waits for it often enough.
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
from graphql.execution import Executor
from graphql.execution.values import VariableValues

from gateway.execution.completion.compiler import CompletionCompiler
from gateway.execution.cost.compiler import compile_cost
from gateway.execution.documents import Document, DocumentCache, DocumentOperation, PlanFactory
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.limits.validation import parse_and_validate
from gateway.execution.planning import variables
from gateway.execution.planning.plan import Plan, Planner
from gateway.execution.projection.compiler import PassthroughScalars
from gateway.execution.runtime.executor import execute_plan as execute_run
from gateway.execution.runtime.resolver_call import compile_resolver_calls
from gateway.execution.state.execution_state import ExecutionState
from services.chassis.rpc.raw_result import decode_if_raw
from services.chassis.telemetry import metrics

_PLAN_EXECUTIONS = metrics.EXECUTIONS.labels("plan", "")
_EVENT_EXECUTIONS = metrics.EXECUTIONS.labels("plan", "event")


class Engine:
    """Executes the operations of one schema. ``documents`` are the texts that it knows to be valid, with their plans.

    ``scalars``: custom scalars that look the same in the JSON of services, with the types to decode them as.
    """

    def __init__(self, schema: strawberry.Schema, scalars: PassthroughScalars) -> None:
        self._strawberry = schema
        self._schema = schema._schema
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
        hooks = active_middleware(middleware)
        documents, _ = self._plan_cache(hooks)
        known = documents.get_or_add(document)
        operation = known.operation(operation_name)
        if operation is None or operation.introspects:
            metrics.EXECUTIONS.labels("graphql-core", "introspection" if operation else "no operation").inc()
            answer: Any = execute(
                schema, document, root_value, context_value, dict(variable_values or {}), operation_name,
                middleware=MiddlewareManager(_decode_result, *(hooks.middlewares if hooks else ())), **named,
            )  # fmt: skip
            return answer  # type: ignore[no-any-return]
        return self._coerce_and_execute(
            DocumentOperation(known, operation),
            variable_values,
            context_value,
            root_value,
            hooks,
            named.get("operation_extensions"),
        )

    def read(self, text: str, limits: OperationLimits) -> Document | list[GraphQLError]:
        """What is known of a text from now on, if it is valid and within the limits; else what is wrong with it."""
        found = parse_and_validate(self._schema, text, limits)
        return found if isinstance(found, list) else self.documents.get_or_add(found)

    def values(self, known: DocumentOperation, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The variables of a request, coerced; or what is wrong with them."""
        operation = known.operation
        if operation.coerce_variables is None:
            operation.coerce_variables = variables.compile_variable_coercion(self._schema, operation.node)
        return operation.coerce_variables(given)

    def cost(self, known: DocumentOperation, values: VariableValues) -> int:
        """What an operation with these variables costs."""
        operation = known.operation
        if operation.cost_function is None:
            operation.cost_function = compile_cost(self._schema, known.document, operation.node)
        return operation.cost_function(values.coerced)

    def execute_prepared(
        self,
        known: DocumentOperation,
        values: VariableValues,
        given: Mapping[str, Any] | None,
        context: Any,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        """Execute a query or a mutation with these values, which were ``given``."""
        if known.operation.introspects:
            return self._execute_introspection(known, given, context)
        return self._execute_by_plan(known, values, context, None, None, operation_extensions)

    async def _execute_introspection(
        self, known: DocumentOperation, given: Mapping[str, Any] | None, context: Any
    ) -> ExecutionResult:
        name = known.operation.node.name
        answer = self.execute(self._schema, known.document.node, None, context, given, name.value if name else None)
        return await answer if isawaitable(answer) else answer

    async def _coerce_and_execute(
        self, known: DocumentOperation, given: Mapping[str, Any] | None, *rest: Any
    ) -> ExecutionResult:
        values = self.values(known, given)
        return (
            ExecutionResult(None, values)
            if isinstance(values, list)
            else await self._execute_by_plan(known, values, *rest)
        )

    def _execute_by_plan(
        self,
        known: DocumentOperation,
        values: VariableValues,
        context: Any,
        root_value: Any,
        hooks: MiddlewareManager | None,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        documents, make = self._plan_cache(hooks)
        try:
            plan = documents.plan_for(known, values.coerced, make)
        except GraphQLError as error:
            return _planning_error_result(error)
        _PLAN_EXECUTIONS.inc()
        run = ExecutionState(
            plan, self._schema, values, context, root_value, self._scalars, hooks, operation_extensions
        )
        return execute_run(run)

    def event_plan(self, stream: Executor[Any]) -> Plan:
        """The plan by which each event of a stream is executed that graphql-core has begun."""
        operation = stream.operation
        assert operation.loc is not None, "documents are parsed from texts"
        text = operation.loc.source.body
        hooks = active_middleware(stream.middleware_manager)
        documents, make = self._plan_cache(hooks)
        known = documents.find(text)
        if known is None:  # other texts have pushed it out since
            known = Document(text, DocumentNode(definitions=(operation, *stream.fragment_definitions.values())))
        return documents.plan(known, operation, stream.variable_values.coerced, make)

    async def execute_event(self, plan: Plan, event: Executor[Any]) -> ExecutionResult:
        """Execute one event, whose payload is the root value."""
        _EVENT_EXECUTIONS.inc()
        run = ExecutionState(
            plan,
            event.schema,
            event.variable_values,
            event.context_value,
            event.root_value,
            self._scalars,
            active_middleware(event.middleware_manager),
            operation_extensions=getattr(event, "operation_extensions", None),
        )
        return await execute_run(run)

    def _plan_cache(self, hooks: MiddlewareManager | None) -> tuple[DocumentCache, PlanFactory]:
        """Where plans are kept, and what makes them: where something wraps every field, they are others."""
        return (
            (self.documents, self._plan) if hooks is None else (self._middleware_documents, self._plan_with_middleware)
        )

    def _plan(
        self, known: Document, operation: OperationDefinitionNode, switches: Mapping[str, Any], *, hooked: bool = False
    ) -> Plan:
        plan = Planner(self._schema, known.fragments, switches, hooked=hooked).plan(operation)
        compile_resolver_calls(plan, self._strawberry.schema_converter)
        CompletionCompiler(plan, self._strawberry.config.default_resolver)
        return plan

    def _plan_with_middleware(
        self, known: Document, operation: OperationDefinitionNode, switches: Mapping[str, Any]
    ) -> Plan:
        return self._plan(known, operation, switches, hooked=True)


async def _planning_error_result(error: GraphQLError) -> ExecutionResult:
    return ExecutionResult(None, [error])


def active_middleware(middleware: MiddlewareManager | None) -> MiddlewareManager | None:
    """What wraps every field; None if nothing does."""
    return middleware if middleware is not None and middleware.middlewares else None


def _decode_result(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
    """Decodes what resolvers pass on undecoded, for graphql-core, which knows nothing of that."""
    value = resolve(source, info, **arguments)
    return _decode_awaited_result(value) if isawaitable(value) else decode_if_raw(value)


async def _decode_awaited_result(awaitable: Awaitable[Any]) -> Any:
    return decode_if_raw(await awaitable)
