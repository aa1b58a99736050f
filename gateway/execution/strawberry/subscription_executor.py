"""Executor of subscriptions: an event is executed once for each document, not once for each subscriber.

Subscribers share a result that depends on the event and the document alone: every field selected on the event is an
attribute of it, and the variables that change the selection (in ``@skip`` and ``@include``) are equal. A shared result
is encoded to JSON once.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, cast

import msgspec
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    VariableNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    visit,
)
from strawberry.types.field import StrawberryField

from gateway.execution import compat
from gateway.execution.engine import Engine, active_middleware
from gateway.execution.planning.plan import Plan
from gateway.execution.planning.selected_fields import collect_field_names

MAX_CACHED_RESULTS = 2_000
"""Cached results. Most subscribers are at about the same event; the others replay the log."""


class EventResultCache:
    """The newest results, by event and document."""

    def __init__(self, capacity: int = MAX_CACHED_RESULTS) -> None:
        self._capacity = capacity
        self._results: OrderedDict[Hashable, ExecutionResult] = OrderedDict()

    def get(self, key: Hashable) -> ExecutionResult | None:
        return self._results.get(key)

    def store(self, key: Hashable, result: ExecutionResult) -> None:
        self._results[key] = result
        if len(self._results) > self._capacity:
            self._results.popitem(last=False)


class SubscriptionExecutor(compat.StrawberryExecutor):
    """graphql-core's executor, for the source stream; an event gets a cached result, or is executed by plan."""

    results = EventResultCache()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._document_keys: dict[type, Hashable] = {}
        self.result_key: Hashable = None
        self._plan: Plan | None = None

    def build_per_event_executor(self, payload: Any) -> Any:
        """Return the executor of one event: one with the cached result, if there is one."""
        key = self._result_key(payload)
        result = self.results.get(key) if key is not None else None
        if result is not None:
            return _CachedResultExecutor(result)
        if self._plan is None:
            self._plan = self._engine.event_plan(self)
        executor: Any = super().build_per_event_executor(payload)
        executor.result_key = key
        return executor

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Execute the operation: an event by its plan."""
        if self._plan is None:
            return super().execute_operation(serially)
        return self._execute_event(self._plan)

    async def _execute_event(self, plan: Plan) -> ExecutionResult:
        result = await self._engine.execute_event(plan, self)
        if self.result_key is None or result.errors:
            return result
        encoded = ExecutionResult(msgspec.Raw(msgspec.json.encode(result.data)), None)  # type: ignore[arg-type]
        self.results.store(self.result_key, encoded)
        return encoded

    @property
    def _engine(self) -> Engine:
        engine: Engine = compat.strawberry_schema(self.schema).engine
        return engine

    def _result_key(self, payload: Any) -> Hashable:
        """Return the cache key for an event; None if the result depends on the subscriber."""
        if active_middleware(self.middleware_manager) is not None:
            return None
        kind = type(payload)
        if kind not in self._document_keys:
            self._document_keys[kind] = self._document_key() if self._selects_only_own_fields(payload) else None
        document = self._document_keys[kind]
        return (document, payload) if document is not None and _is_hashable(payload) else None

    def _document_key(self) -> Hashable:
        assert self.operation.loc is not None, "documents are parsed from texts"
        name = self.operation.name.value if self.operation.name else ""
        values = self.variable_values.coerced
        variables = sorted(self._selection_variables() & values.keys())
        return self.schema, self.operation.loc.source.body, name, tuple((one, values[one]) for one in variables)

    def _selection_variables(self) -> set[str]:
        """Return the variables that are used anywhere but in the arguments of the root field."""
        visitor = _VariableNameVisitor()
        for root in self._root_fields():
            for node in (root.selection_set, *(root.directives or ())):
                if node is not None:
                    visit(node, visitor)
        for fragment in self.fragment_definitions.values():
            visit(fragment, visitor)
        return visitor.names

    def _selects_only_own_fields(self, payload: Any) -> bool:
        """Return whether every field selected on an event is a leaf and an attribute of it."""
        root_type, roots = self.schema.subscription_type, self._root_fields()
        if root_type is None or len(roots) != 1:
            return False
        returned = get_named_type(root_type.fields[roots[0].name.value].type)
        kinds = self.schema.get_possible_types(returned) if is_abstract_type(returned) else [returned]
        for kind in kinds:
            if isinstance(kind, GraphQLObjectType) and kind.is_type_of and kind.is_type_of(payload, cast(Any, None)):
                names = collect_field_names(roots, self.fragment_definitions) & kind.fields.keys()
                return all(_is_plain_leaf(kind.fields[name]) for name in names)
        return False

    def _root_fields(self) -> list[FieldNode]:
        return [one for one in self.operation.selection_set.selections if isinstance(one, FieldNode)]


def _is_plain_leaf(field: GraphQLField) -> bool:
    declared: StrawberryField = field.extensions[compat.strawberry_definition]
    return declared.is_basic_field and is_leaf_type(get_named_type(field.type))


def _is_hashable(payload: Any) -> bool:
    try:
        hash(payload)
    except TypeError:
        return False
    return True


class _CachedResultExecutor:
    def __init__(self, result: ExecutionResult) -> None:
        self._result = result

    def execute_operation(self, serially: bool | None = None) -> ExecutionResult:
        return self._result


class _VariableNameVisitor(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)
