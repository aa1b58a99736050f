"""What a request has to pass before anything is done for it, over HTTP and on sockets alike.

In this order: its bytes, which are charged before anything reads them; its text (persisted or sent), the text's limits
and its validity, its operation, whether this caller may ask for the schema, its variables, what it costs, and whether
the caller's rate allows that. A text that is valid is kept with its plan, so that it is read once.
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
from services.contracts.identity import SubjectKind

CHARACTERS_PER_UNIT = 2
"""Of a text that is not known yet: to read, validate and plan it takes longer than to execute it, up to 80 ms."""


class GraphQLRequest(msgspec.Struct, frozen=True, rename="camel"):
    """A request for an operation (GraphQL over HTTP, section 5.1; ``documentId``: its appendix on documents)."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class PreparedOperation(msgspec.Struct, frozen=True):
    """An operation that its caller may ask for, with its variables coerced, and its cost."""

    request: GraphQLRequest
    kind: OperationType
    document_operation: DocumentOperation
    values: VariableValues
    cost: int


class Admission:
    """Lets requests in to one schema, or says why not.

    ``rates`` are what callers may spend. ``open_schema``: anybody may ask for the schema.
    """

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

    def charge(self, asker: Requester, size: int) -> None:
        """Charge a caller for what arrived, by its bytes and before it is parsed; RateLimited if they have no more."""
        gc_tuning.count_garbage(size)  # should anything of it be kept by a cycle, in spite of all care
        self._rates.spend(asker, base_cost_of(size))

    async def admit(
        self, request: GraphQLRequest, asker: Requester, size: int | None = None
    ) -> tuple[PreparedOperation, RateLimitStatus]:
        """The operation that is asked for, and what it leaves of the caller's rate; Refused if it may not be executed.

        What the request was read from, of ``size`` bytes, is paid for already (``charge``).
        """
        engine, caller = self._engine, asker.caller
        kind = None if caller is None else caller.kind
        found = self._persisted.resolve(request.query, request.document_id, request.extensions, kind)
        text = found if isinstance(found, str) else await found
        document = engine.documents.find(text)
        if document is None:
            if len(text) <= self._limits.text:  # else it is not read at all
                # Before anything is done with it: what is not valid takes as long to read.
                self._rates.spend(asker, len(text) // CHARACTERS_PER_UNIT)
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
        spent = self._rates.spend(asker, cost)
        return PreparedOperation(request, operation.node.operation, document_operation, values, cost), spent

    def _check_variables(self, variables: dict[str, Any], size: int | None) -> None:
        """Refuse variables that are too many; ``size`` is that of the request, in bytes."""
        if size is None or size > self._limits.variables:
            size = len(msgspec.json.encode(variables))
            if size > self._limits.variables:
                raise self._limit_exceeded("variables", size)
        if size > self._limits.items:  # an item has a byte at least
            items = count_list_items(variables)
            if items > self._limits.items:
                raise self._limit_exceeded("items", items)

    def _limit_exceeded(self, limit: str, value: int) -> InvalidOperation:
        error = limit_error(self._limits, limit, value)
        assert error is not None
        return InvalidOperation([error], suggest=False)

    def may_introspect(self, caller: AuthenticatedCaller | None) -> bool:
        """Those who write clients: staff and partners; customers' clients were written by them."""
        return self._open_schema or (caller is not None and caller.kind in (SubjectKind.STAFF, SubjectKind.PARTNER))

    def _invalid(self, errors: Sequence[GraphQLError], caller: AuthenticatedCaller | None) -> InvalidOperation:
        return InvalidOperation(errors, suggest=self.may_introspect(caller))
