"""Cache of valid documents with their plans: clients send the same few texts again and again.

Parsing, validating and planning a text costs more than executing a small operation. The cache is bounded in documents
and in bytes. Invalid texts are not cached.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from typing import Any

import msgspec
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    print_ast,
    visit,
)
from strawberry.extensions import SchemaExtension

from gateway.execution.planning.plan import Plan
from gateway.execution.planning.variables import CoerceVariables

MAX_DOCUMENTS = 1000
MAX_CACHE_BYTES = 50_000_000
_MAX_CACHED_CHARACTERS = 50_000
"""Characters of a cached text. A longer one is unlikely to be sent by a second client."""
_MAX_PLANS_PER_DOCUMENT = 64
"""Plans of one document: one for each operation and each combination of the condition variables' values."""
_BYTES_PER_PLANNED_FIELD = 3_000
"""Memory of a planned field and its code. The plan of a short text is large if it spreads a fragment often."""

_INTROSPECTION = frozenset({"__schema", "__type"})

CostFunction = Callable[[Mapping[str, Any]], int]
"""Returns the cost of an operation with these coerced variables: a whole number of 0 or more."""

PlanFactory = Callable[["Document", OperationDefinitionNode, dict[str, Any]], Plan]
"""Compiles the plan of an operation of a document, for these values of its condition variables."""


class CompiledOperation:
    """An operation with its functions, each of which is compiled at its first use."""

    def __init__(self, node: OperationDefinitionNode, root_fields: Set[str]) -> None:
        self.node = node
        self.introspects = not root_fields.isdisjoint(_INTROSPECTION)
        """Whether it selects ``__schema`` or ``__type``."""
        self.only_introspects = self.introspects and root_fields <= {*_INTROSPECTION, "__typename"}
        """Whether its result has the schema and no data."""
        self.coerce_variables: CoerceVariables | None = None
        self.cost_function: CostFunction | None = None
        self.plan: Plan | None = None
        """Its plan, if the document has only one."""


class Document:
    """A valid document with its operations and plans."""

    def __init__(self, text: str, node: DocumentNode) -> None:
        self.text = text
        self.node = node
        self.fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        self.condition_variables = _condition_variables(node)
        """The variables in ``@skip`` and ``@include``."""
        operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        self.has_one_plan = len(operations) == 1 and not self.condition_variables
        self._operations: dict[str | None, CompiledOperation] = {}
        self.plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self.bytes = len(text.encode())
        """Its size in the cache."""

    def operation(self, name: str | None) -> CompiledOperation | None:
        """Return the operation of this name, or the only one; None if there is none."""
        operation = self._operations.get(name)
        if operation is None:
            node = get_operation_ast(self.node, name)
            if node is None:
                return None
            operation = self._operations[name] = CompiledOperation(node, self._field_names(node.selection_set))
        return operation

    def _field_names(self, selections: SelectionSetNode) -> Set[str]:
        """Return the names of the fields that a selection set selects, by its fragments, too."""
        names, waiting, spread = set[str](), [selections], set[str]()
        while waiting:
            for node in waiting.pop().selections:
                match node:
                    case FieldNode():
                        names.add(node.name.value)
                    case InlineFragmentNode():
                        waiting.append(node.selection_set)
                    case FragmentSpreadNode():
                        name = node.name.value
                        if name not in spread:
                            spread.add(name)
                            waiting.append(self.fragments[name].selection_set)
        return names


class DocumentOperation(msgspec.Struct, frozen=True):
    """An operation of a valid document."""

    document: Document
    operation: CompiledOperation


class DocumentCache:
    """Documents by text; the least recently used is evicted first."""

    def __init__(self, max_documents: int = MAX_DOCUMENTS, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._entries: OrderedDict[str, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """The size of the cached texts and plans."""
        return sum(one.bytes for one in self._entries.values())

    def find(self, text: str) -> Document | None:
        """Return the document of a text, if it is cached."""
        document = self._entries.get(text)
        if document is not None:
            self._entries.move_to_end(text)
        return document

    def get_or_add(self, node: DocumentNode) -> Document:
        """Return the cached document of a valid syntax tree; add it if it is missing."""
        text = node.loc.source.body if node.loc else print_ast(node)
        return self.find(text) or self._store(Document(text, node))

    def plan_for(self, cached: DocumentOperation, variables: dict[str, Any], make: PlanFactory) -> Plan:
        """Return the plan of an operation for these coerced variables."""
        plan = cached.operation.plan
        if plan is None:
            plan = self.plan(cached.document, cached.operation.node, variables, make)
            if cached.document.has_one_plan:
                cached.operation.plan = plan
        return plan

    def plan(
        self, document: Document, operation: OperationDefinitionNode, variables: dict[str, Any], make: PlanFactory
    ) -> Plan:
        """Return the plan of an operation for these coerced variables; it depends on the condition variables alone."""
        conditions = {name: variables.get(name) for name in document.condition_variables}
        key = (operation.name.value if operation.name else None, *conditions.values())
        plan = document.plans.get(key)
        if plan is None:
            plan = document.plans[key] = make(document, operation, conditions)
            document.bytes += plan.fields * _BYTES_PER_PLANNED_FIELD
            if len(document.plans) > _MAX_PLANS_PER_DOCUMENT:
                _, evicted = document.plans.popitem(last=False)
                document.bytes -= evicted.fields * _BYTES_PER_PLANNED_FIELD
            self._evict()
        return plan

    def _store(self, document: Document) -> Document:
        if len(document.text) <= _MAX_CACHED_CHARACTERS:
            self._entries[document.text] = document
            self._evict()
        return document

    def _evict(self) -> None:
        size = self.bytes
        while len(self._entries) > self._max_documents or (size > self._max_bytes and self._entries):
            _, evicted = self._entries.popitem(last=False)
            size -= evicted.bytes


class DocumentCacheExtension(SchemaExtension):
    """Skips parsing and validation of a cached document. The cache belongs to one schema."""

    def __init__(self, documents: DocumentCache) -> None:
        self._documents = documents
        self._is_cached = False

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        document = self._documents.find(context.query or "")
        self._is_cached = document is not None
        if document is not None:
            context.graphql_document = document.node
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if self._is_cached:
            context.pre_execution_errors = []
        yield
        if not (self._is_cached or context.pre_execution_errors) and context.query and context.graphql_document:
            self._documents.get_or_add(context.graphql_document)


def _condition_variables(node: DocumentNode) -> list[str]:
    visitor = _ConditionVariableVisitor()
    visit(node, visitor)
    return sorted(visitor.names)


class _ConditionVariableVisitor(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        if node.name.value in ("skip", "include"):
            self.names.update(
                argument.value.name.value
                for argument in node.arguments or ()
                if isinstance(argument.value, VariableNode)
            )
