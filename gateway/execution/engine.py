"""The engine: executes operations on a Strawberry schema by plans, which it makes once and keeps.

It takes the place of graphql-core's ``execute``, with the same parameters and the same answers;
``gateway.execution.planning_schema`` shows how a Strawberry schema is given one.

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

from gateway.execution import variables
from gateway.execution.calling import work_out
from gateway.execution.completion import Completion
from gateway.execution.cost import costing
from gateway.execution.documents import Document, Documents, Known, Make
from gateway.execution.executing import execute as execute_run
from gateway.execution.limits import Limits
from gateway.execution.plan import Plan, Planner
from gateway.execution.pushed import Scalars
from gateway.execution.reading import read
from gateway.execution.run import Run
from services.chassis import metrics
from services.chassis.rpc.undecoded import as_declared

_PLANNED = metrics.EXECUTIONS.labels("plan", "")
_EVENT = metrics.EXECUTIONS.labels("plan", "event")


class Engine:
    """Executes the operations of one schema. ``documents`` are the texts that it knows to be valid, with their plans.

    ``scalars``: custom scalars that look the same in the JSON of services, with the types to decode them as.
    """

    def __init__(self, schema: strawberry.Schema, scalars: Scalars) -> None:
        self._strawberry = schema
        self._schema = schema._schema
        self._scalars = scalars
        self.documents = Documents()
        self._hooked_documents = Documents()

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
        hooks = hooks_of(middleware)
        documents, _ = self._planning(hooks)
        known = documents.of(document)
        operation = known.operation(operation_name)
        if operation is None or operation.introspects:
            metrics.EXECUTIONS.labels("graphql-core", "introspection" if operation else "no operation").inc()
            answer: Any = execute(
                schema, document, root_value, context_value, dict(variable_values or {}), operation_name,
                middleware=MiddlewareManager(_decoding, *(hooks.middlewares if hooks else ())), **named,
            )  # fmt: skip
            return answer  # type: ignore[no-any-return]
        return self._coerced(
            Known(known, operation),
            variable_values,
            context_value,
            root_value,
            hooks,
            named.get("operation_extensions"),
        )

    def read(self, text: str, limits: Limits) -> Document | list[GraphQLError]:
        """What is known of a text from now on, if it is valid and within the limits; else what is wrong with it."""
        found = read(self._schema, text, limits)
        return found if isinstance(found, list) else self.documents.of(found)

    def values(self, known: Known, given: Mapping[str, Any] | None) -> VariableValues | list[GraphQLError]:
        """The variables of a request, coerced; or what is wrong with them."""
        operation = known.operation
        if operation.coerce is None:
            operation.coerce = variables.compiled(self._schema, operation.node)
        return operation.coerce(given)

    def cost(self, known: Known, values: VariableValues) -> int:
        """What an operation with these variables costs."""
        operation = known.operation
        if operation.costing is None:
            operation.costing = costing(self._schema, known.document, operation.node)
        return operation.costing(values.coerced)

    def execute_known(
        self,
        known: Known,
        values: VariableValues,
        given: Mapping[str, Any] | None,
        context: Any,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        """Execute a query or a mutation with these values, which were ``given``."""
        if known.operation.introspects:
            return self._introspect(known, given, context)
        return self._by_plan(known, values, context, None, None, operation_extensions)

    async def _introspect(self, known: Known, given: Mapping[str, Any] | None, context: Any) -> ExecutionResult:
        name = known.operation.node.name
        answer = self.execute(self._schema, known.document.node, None, context, given, name.value if name else None)
        return await answer if isawaitable(answer) else answer

    async def _coerced(self, known: Known, given: Mapping[str, Any] | None, *rest: Any) -> ExecutionResult:
        values = self.values(known, given)
        return ExecutionResult(None, values) if isinstance(values, list) else await self._by_plan(known, values, *rest)

    def _by_plan(
        self,
        known: Known,
        values: VariableValues,
        context: Any,
        root_value: Any,
        hooks: MiddlewareManager | None,
        operation_extensions: dict[str, Any] | None,
    ) -> Awaitable[ExecutionResult]:
        documents, make = self._planning(hooks)
        try:
            plan = documents.plan_of(known, values.coerced, make)
        except GraphQLError as error:
            return _no_plan(error)
        _PLANNED.inc()
        run = Run(plan, self._schema, values, context, root_value, self._scalars, hooks, operation_extensions)
        return execute_run(run)

    def plan_of_events(self, stream: Executor[Any]) -> Plan:
        """The plan by which each event of a stream is executed that graphql-core has begun."""
        operation = stream.operation
        assert operation.loc is not None, "documents are parsed from texts"
        text = operation.loc.source.body
        hooks = hooks_of(stream.middleware_manager)
        documents, make = self._planning(hooks)
        known = documents.find(text)
        if known is None:  # other texts have pushed it out since
            known = Document(text, DocumentNode(definitions=(operation, *stream.fragment_definitions.values())))
        return documents.plan(known, operation, stream.variable_values.coerced, make)

    async def execute_event(self, plan: Plan, event: Executor[Any]) -> ExecutionResult:
        """Execute one event, whose payload is the root value."""
        _EVENT.inc()
        run = Run(
            plan,
            event.schema,
            event.variable_values,
            event.context_value,
            event.root_value,
            self._scalars,
            hooks_of(event.middleware_manager),
            operation_extensions=getattr(event, "operation_extensions", None),
        )
        return await execute_run(run)

    def _planning(self, hooks: MiddlewareManager | None) -> tuple[Documents, Make]:
        """Where plans are kept, and what makes them: where something wraps every field, they are others."""
        return (self.documents, self._plan) if hooks is None else (self._hooked_documents, self._plan_hooked)

    def _plan(
        self, known: Document, operation: OperationDefinitionNode, switches: Mapping[str, Any], *, hooked: bool = False
    ) -> Plan:
        plan = Planner(self._schema, known.fragments, switches, hooked=hooked).plan(operation)
        work_out(plan, self._strawberry.schema_converter)
        Completion(plan, self._strawberry.config.default_resolver)
        return plan

    def _plan_hooked(self, known: Document, operation: OperationDefinitionNode, switches: Mapping[str, Any]) -> Plan:
        return self._plan(known, operation, switches, hooked=True)


async def _no_plan(error: GraphQLError) -> ExecutionResult:
    return ExecutionResult(None, [error])


def hooks_of(middleware: MiddlewareManager | None) -> MiddlewareManager | None:
    """What wraps every field; None if nothing does."""
    return middleware if middleware is not None and middleware.middlewares else None


def _decoding(resolve: Callable[..., Any], source: Any, info: Any, **arguments: Any) -> Any:
    """Decodes what resolvers pass on undecoded, for graphql-core, which knows nothing of that."""
    value = resolve(source, info, **arguments)
    return _decoding_later(value) if isawaitable(value) else as_declared(value)


async def _decoding_later(awaitable: Awaitable[Any]) -> Any:
    return as_declared(await awaitable)
