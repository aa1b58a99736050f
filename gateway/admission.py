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

from gateway.access import Caller
from gateway.context import Asker
from gateway.errors import Invalid, RefusedOperation
from gateway.execution.documents import Known
from gateway.execution.engine import Engine
from gateway.execution.limits import Limits, exceeded
from gateway.execution.variables import count_items
from gateway.persisted.documents import PersistedDocuments
from gateway.rate.policy import Spent
from gateway.rate.price import price_of
from gateway.rate.rates import Rates
from services.chassis import garbage
from services.contracts.identity import SubjectKind

CHARACTERS_A_UNIT = 2
"""Of a text that is not known yet: to read, validate and plan it takes longer than to execute it, up to 80 ms."""


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """A request for an operation (GraphQL over HTTP, section 5.1; ``documentId``: its appendix on documents)."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class Admitted(msgspec.Struct, frozen=True):
    """An operation that its caller may ask for, with its variables coerced, and its cost."""

    request: Request
    kind: OperationType
    known: Known
    values: VariableValues
    cost: int


class Admission:
    """Lets requests in to one schema, or says why not.

    ``rates`` are what callers may spend. ``open_schema``: anybody may ask for the schema.
    """

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        persisted: PersistedDocuments,
        rates: Rates,
        *,
        open_schema: bool,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._persisted = persisted
        self._rates = rates
        self._open_schema = open_schema

    def charge(self, asker: Asker, size: int) -> None:
        """Charge a caller for what arrived, by its bytes and before it is parsed; RateLimited if they have no more."""
        garbage.note(size)  # should anything of it be kept by a cycle, in spite of all care
        self._rates.spend(asker, price_of(size))

    async def admit(self, request: Request, asker: Asker, size: int | None = None) -> tuple[Admitted, Spent]:
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
                self._rates.spend(asker, len(text) // CHARACTERS_A_UNIT)
            read = engine.read(text, self._limits)
            if isinstance(read, list):
                raise self._invalid(read, caller)
            document = read
        if caller is not None:
            self._persisted.keep(request.query, request.document_id, request.extensions)
        operation = document.operation(request.operation_name or None)
        if operation is None:
            raise RefusedOperation(400, "UNKNOWN_OPERATION", path=["operationName"])
        if operation.introspects and not self.may_introspect(caller):
            raise RefusedOperation(403, "INTROSPECTION_FORBIDDEN")
        if request.variables:
            self._measure(request.variables, size)
        known = Known(document, operation)
        values = engine.values(known, request.variables)
        if isinstance(values, list):
            raise self._invalid(values, caller)
        cost = engine.cost(known, values)
        if cost > self._limits.cost:
            raise self._too_much("cost", cost)
        spent = self._rates.spend(asker, cost)
        return Admitted(request, operation.node.operation, known, values, cost), spent

    def _measure(self, variables: dict[str, Any], size: int | None) -> None:
        """Refuse variables that are too many; ``size`` is that of the request, in bytes."""
        if size is None or size > self._limits.variables:
            size = len(msgspec.json.encode(variables))
            if size > self._limits.variables:
                raise self._too_much("variables", size)
        if size > self._limits.items:  # an item has a byte at least
            items = count_items(variables)
            if items > self._limits.items:
                raise self._too_much("items", items)

    def _too_much(self, limit: str, value: int) -> Invalid:
        error = exceeded(self._limits, limit, value)
        assert error is not None
        return Invalid([error], suggest=False)

    def may_introspect(self, caller: Caller | None) -> bool:
        """Those who write clients: staff and partners; customers' clients were written by them."""
        return self._open_schema or (caller is not None and caller.kind in (SubjectKind.STAFF, SubjectKind.PARTNER))

    def _invalid(self, errors: Sequence[GraphQLError], caller: Caller | None) -> Invalid:
        return Invalid(errors, suggest=self.may_introspect(caller))
