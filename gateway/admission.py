"""Admission of requests before they are executed, over HTTP and on sockets alike.

The order: charge the request's bytes, before anything parses them; find the document (persisted or sent); check its
limits and validate it; select the operation; check the permission to introspect; coerce the variables; calculate the
cost; charge the caller's rate with it. A valid document is cached with its plan, so that it is parsed once.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from graphql import GraphQLError, OperationType
from graphql.execution.values import VariableValues

from gateway.authentication import AuthenticatedCaller
from gateway.context import Requester
from gateway.errors import InvalidOperation, OperationError
from gateway.execution.documents import DocumentOperation
from gateway.execution.engine import Engine
from gateway.execution.limits.operation_limits import OperationLimits, limit_error
from gateway.execution.planning.variables import count_list_items
from gateway.persisted_documents.documents import PersistedDocuments
from gateway.rate_limit.base_cost import base_cost_of
from gateway.rate_limit.limiter import RateLimiter
from gateway.rate_limit.policy import RateLimitStatus
from services.chassis.runtime import gc_tuning
from services.contracts.permission import SubjectKind

CHARACTERS_PER_UNIT = 2
"""Characters for a unit of cost, of a document that is not cached: parsing, validating and planning it takes up to
80 ms, longer than executing it."""
OPERATION_TIMEOUT_S = 10.0
"""Timeout of a query or a mutation, its calls of services included. A subscription has none."""


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A request's parameters (GraphQL over HTTP, section 5.1; ``documentId``: the appendix on persisted documents)."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class PreparedOperation(msgspec.Struct, frozen=True):
    """An operation that its caller may execute."""

    request: GraphQLRequest
    operation_type: OperationType
    document_operation: DocumentOperation
    variable_values: VariableValues
    """The coerced variables."""
    cost: int
    """The units of the operation, as calculated from its document and variables."""
    charged: int
    """The units that its caller paid: ``cost``, the request's bytes, and the document's text if it was not cached."""


class Admission:
    """The admission of requests to one schema. With ``open_schema`` every caller may introspect it."""

    def __init__(
        self,
        engine: Engine,
        limits: OperationLimits,
        persisted: PersistedDocuments,
        rates: RateLimiter,
        *,
        open_schema: bool,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._persisted = persisted
        self._rates = rates
        self._open_schema = open_schema

    def charge(self, requester: Requester, size: int) -> None:
        """Charge a requester for ``size`` bytes that arrived, before they are parsed; RateLimited if it can't pay."""
        gc_tuning.count_garbage(size)  # in case a reference cycle keeps some of them
        self._rates.spend(requester, base_cost_of(size))

    async def admit(
        self, request: GraphQLRequest, requester: Requester, size: int | None = None
    ) -> tuple[PreparedOperation, RateLimitStatus]:
        """Return the prepared operation and the rest of the requester's rate; RequestError if it is not admitted.

        The bytes of the request (``size``, if known) are charged already (``charge``).
        """
        engine, caller = self._engine, requester.caller
        kind = None if caller is None else caller.kind
        resolved = self._persisted.resolve(request.query, request.document_id, request.extensions, kind)
        text = resolved if isinstance(resolved, str) else await resolved
        document, charged = engine.documents.find(text), base_cost_of(size or 0)
        if document is None:
            if len(text) <= self._limits.text:  # else it is not parsed at all
                # Charged before it is parsed, for an invalid document takes as long.
                self._rates.spend(requester, len(text) // CHARACTERS_PER_UNIT)
                charged += len(text) // CHARACTERS_PER_UNIT
            read = engine.parse_and_validate(text, self._limits)
            if isinstance(read, list):
                raise self._invalid(read, caller)
            document = read
        if caller is not None:
            self._persisted.store(request.query, request.document_id, request.extensions)
        operation = document.operation(request.operation_name or None)
        if operation is None:
            raise OperationError(400, "UNKNOWN_OPERATION", path=["operationName"])
        if operation.introspects and not self.may_introspect(caller):
            raise OperationError(403, "INTROSPECTION_FORBIDDEN")
        if request.variables:
            self._check_variables(request.variables, size)
        document_operation = DocumentOperation(document, operation)
        values = engine.coerce_variables(document_operation, request.variables)
        if isinstance(values, list):
            raise self._invalid(values, caller)
        cost = engine.cost(document_operation, values)
        if cost > self._limits.cost:
            raise self._limit_exceeded("cost", cost)
        spent = self._rates.spend(requester, cost)
        charged += cost
        return PreparedOperation(request, operation.node.operation, document_operation, values, cost, charged), spent

    def _check_variables(self, variables: dict[str, Any], size: int | None) -> None:
        """Check the limits of variables; ``size`` is the request's in bytes, an upper bound of theirs."""
        if size is None or size > self._limits.variables:
            size = len(msgspec.json.encode(variables))
            if size > self._limits.variables:
                raise self._limit_exceeded("variables", size)
        if size > self._limits.items:  # an item has at least a byte
            items = count_list_items(variables)
            if items > self._limits.items:
                raise self._limit_exceeded("items", items)

    def _limit_exceeded(self, limit: str, value: int) -> InvalidOperation:
        error = limit_error(self._limits, limit, value)
        assert error is not None
        return InvalidOperation([error], suggest=False)

    def may_introspect(self, caller: AuthenticatedCaller | None) -> bool:
        """Whether a caller may introspect the schema: staff and partners, who write the clients."""
        return self._open_schema or (caller is not None and caller.kind in (SubjectKind.STAFF, SubjectKind.PARTNER))

    def _invalid(self, errors: Sequence[GraphQLError], caller: AuthenticatedCaller | None) -> InvalidOperation:
        return InvalidOperation(errors, suggest=self.may_introspect(caller))
