"""Operation texts that were found valid once, with their plans: clients send the same few again and again.

Reading and validating a text, and planning what it asks for, costs more than executing a small operation. What is kept
is bounded in texts and in bytes; a text that is not valid is not kept, so nobody fills the memory with nonsense but by
writing real operations.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
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
"""Characters of a text that is kept: a larger one is one person's own, or an attempt."""
_MAX_PLANS_PER_DOCUMENT = 64
"""Of one text: it has operations, and its switches have values; nobody fills the memory by trying them all."""
_BYTES_PER_PLANNED_FIELD = 3_000
"""What a planned field takes, with its code: a fragment that is spread often is short, and its plan is not."""

CostFunction = Callable[[Mapping[str, Any]], int]
"""What an operation costs with these variables, coerced."""

PlanFactory = Callable[["Document", OperationDefinitionNode, dict[str, Any]], Plan]
"""Makes the plan of an operation of a document for these values of its switches."""


class CompiledOperation:
    """An operation; ``introspects``: it asks, at its root, for the schema itself.

    Once somebody made them: ``coerce`` is the coercion of its variables, ``costing`` says what it costs with them, and
    ``plan`` is its plan where there is only one.
    """

    def __init__(self, node: OperationDefinitionNode, *, introspects: bool) -> None:
        self.node = node
        self.introspects = introspects
        self.coerce_variables: CoerceVariables | None = None
        self.cost_function: CostFunction | None = None
        self.plan: Plan | None = None


class Document:
    """A valid text and what is known of it. ``switches`` are the variables that ``@skip`` and ``@include`` look at."""

    def __init__(self, text: str, node: DocumentNode) -> None:
        self.text = text
        self.node = node
        self.fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
        self.condition_variables = _condition_variables(node)
        operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        self.has_one_plan = len(operations) == 1 and not self.condition_variables
        self._operations: dict[str | None, CompiledOperation] = {}
        self.plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self.bytes = len(text.encode())
        """What it counts as among those that are kept."""

    def operation(self, name: str | None) -> CompiledOperation | None:
        """The operation of this name, or the only one."""
        operation = self._operations.get(name)
        if operation is None:
            node = get_operation_ast(self.node, name)
            if node is None:
                return None
            operation = self._operations[name] = CompiledOperation(
                node, introspects=self._introspects(node.selection_set)
            )
        return operation

    def _introspects(self, selections: SelectionSetNode) -> bool:
        waiting, seen = [selections], set[str]()
        while waiting:
            for one in waiting.pop().selections:
                match one:
                    case FieldNode():
                        if one.name.value in ("__schema", "__type"):
                            return True
                    case InlineFragmentNode():
                        waiting.append(one.selection_set)
                    case FragmentSpreadNode():
                        name = one.name.value
                        if name not in seen:
                            seen.add(name)
                            waiting.append(self.fragments[name].selection_set)
        return False


class DocumentOperation(msgspec.Struct, frozen=True):
    """An operation of a valid text."""

    document: Document
    operation: CompiledOperation


class DocumentCache:
    """Documents by their text; the one that was not asked for longest goes first."""

    def __init__(self, most_texts: int = MAX_DOCUMENTS, most_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_documents = most_texts
        self._max_bytes = most_bytes
        self._entries: OrderedDict[str, Document] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What is kept counts as: texts and plans."""
        return sum(one.bytes for one in self._entries.values())

    def find(self, text: str) -> Document | None:
        """The document of a text, if it is kept."""
        document = self._entries.get(text)
        if document is not None:
            self._entries.move_to_end(text)
        return document

    def get_or_add(self, node: DocumentNode) -> Document:
        """What is known of a valid document, kept from now on."""
        text = node.loc.source.body if node.loc else print_ast(node)
        return self.find(text) or self._store(Document(text, node))

    def plan_for(self, known: DocumentOperation, values: dict[str, Any], make: PlanFactory) -> Plan:
        """The plan of an operation for these values of its variables."""
        plan = known.operation.plan
        if plan is None:
            plan = self.plan(known.document, known.operation.node, values, make)
            if known.document.has_one_plan:
                known.operation.plan = plan
        return plan

    def plan(
        self, document: Document, operation: OperationDefinitionNode, values: dict[str, Any], make: PlanFactory
    ) -> Plan:
        """The plan of an operation for these values of its variables: of the switches alone, as far as a plan goes."""
        switches = {name: values.get(name) for name in document.condition_variables}
        key = (operation.name.value if operation.name else None, *switches.values())
        plan = document.plans.get(key)
        if plan is None:
            plan = document.plans[key] = make(document, operation, switches)
            document.bytes += plan.fields * _BYTES_PER_PLANNED_FIELD
            if len(document.plans) > _MAX_PLANS_PER_DOCUMENT:
                _, gone = document.plans.popitem(last=False)
                document.bytes -= gone.fields * _BYTES_PER_PLANNED_FIELD
            self._evict()
        return plan

    def _store(self, document: Document) -> Document:
        if len(document.text) <= _MAX_CACHED_CHARACTERS:
            self._entries[document.text] = document
            self._evict()
        return document

    def _evict(self) -> None:
        left = self.bytes
        while len(self._entries) > self._max_documents or (left > self._max_bytes and self._entries):
            _, gone = self._entries.popitem(last=False)
            left -= gone.bytes


class DocumentCacheExtension(SchemaExtension):
    """Spares a text that is known to be valid the reading and the validation. ``documents`` are of one schema."""

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
    found = _ConditionVariableVisitor()
    visit(node, found)
    return sorted(found.names)


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
