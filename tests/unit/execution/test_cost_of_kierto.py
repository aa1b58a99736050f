"""Costs of Kierto's own operations: every list has a size, and the limit separates real pages from excessive ones."""

import re
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from gateway.execution.cost.compiler import compile_cost
from gateway.execution.cost.directives import ListSize, list_size_of, weight_of
from gateway.execution.documents import CostFunction, Document
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.execution.limits.validation import parse_and_validate
from gateway.execution.planning.variables import compile_variable_coercion
from gateway.schema.builder import build_schema
from services.contracts.values import DEFAULT_PAGE, MAX_PAGE
from tests.benchmarks.contest.pages import PORTAL
from tests.support.graph_scalars import SCALARS
from tests.support.hypothesis_profiles import max_examples

STRAWBERRY = build_schema()
SCHEMA = STRAWBERRY._schema
ALLOWED = OperationLimits().cost
WIDE = OperationLimits(tokens=10_000, fields=10_000, root_fields=100, aliases=1_000, directives=1_000)
SHORT = {
    "Conflict.fields",
    "Me.memberships",
    "MembersInvited.outcomes",
    "MessagesChosen.choices",
    "Offers.offers",
    "Order.timeline",
    "Site.containers",
    "TicketEntry.attachments",
    "VolumeStep.rows",
}
"""Lists that belong to their parent and are about as long as the assumed size; each new one is a decision."""

QUERIES = queries(
    STRAWBERRY.as_str(),
    custom_scalars=SCALARS,
)


def costs(text: str, limits: OperationLimits = OperationLimits()) -> Callable[..., int]:  # noqa: B008 - it never changes
    """Return the function from an operation's variables to its cost."""
    node = parse_and_validate(SCHEMA, text, limits)
    assert isinstance(node, DocumentNode), node
    cost_function = _costing(text, node)

    def cost(**variables: Any) -> int:
        operation = Document(text, node).operation(None)
        assert operation is not None
        values = compile_variable_coercion(SCHEMA, operation.node)(variables)
        assert not isinstance(values, list), values
        return cost_function(values.coerced)

    return cost


def _costing(text: str, node: DocumentNode) -> CostFunction:
    document = Document(text, node)
    operation = document.operation(None)
    assert operation is not None
    return compile_cost(SCHEMA, document, operation.node)


def every_field() -> Iterator[tuple[str, GraphQLField]]:
    for kind in SCHEMA.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", field


def is_list_of_objects(field: GraphQLField) -> bool:
    return is_list_type(get_nullable_type(field.type)) and is_composite_type(get_named_type(field.type))


def members(field: GraphQLField) -> Iterator[GraphQLObjectType]:
    kind = get_named_type(field.type)
    if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
        yield from SCHEMA.get_possible_types(kind)
    elif isinstance(kind, GraphQLObjectType):
        yield kind


def test_every_list_has_a_size() -> None:
    sized = {
        f"{kind.name}.{name}"
        for _, field in every_field()
        for kind in members(field)
        for name in getattr(list_size_of(field), "sized_fields", None) or ()
        if name in kind.fields
    }
    unsized = {
        place
        for place, field in every_field()
        if is_list_of_objects(field)
        and list_size_of(field) is None
        and place not in sized
        and not place.endswith(".problems")  # every result of a mutation has them
    }
    assert unsized == SHORT


def test_list_sizes_name_existing_fields_and_arguments() -> None:
    for place, field in every_field():
        directive = list_size_of(field)
        if directive is None:
            continue
        for path in directive.slicing_arguments or ():
            name, *inner = path.split(".")
            declared: GraphQLArgument | GraphQLInputField = field.args[name]
            for step in inner:
                kind = get_named_type(declared.type)
                assert isinstance(kind, GraphQLInputObjectType), place
                declared = kind.fields[step]
            assert is_list_type(get_nullable_type(declared.type)) or get_nullable_type(declared.type) is GraphQLInt
        if directive.sized_fields:
            lists = [
                kind.fields[name] for kind in members(field) for name in directive.sized_fields if name in kind.fields
            ]
            assert lists, place
            assert all(is_list_type(get_nullable_type(one.type)) for one in lists), place
        else:
            assert is_list_type(get_nullable_type(field.type)), place


def test_every_page_is_sliced_by_first_or_last() -> None:
    pages = [(place, field) for place, field in every_field() if get_named_type(field.type).name.endswith("Connection")]
    assert len(pages) >= 5
    for place, field in pages:
        assert list_size_of(field) == ListSize(
            assumed_size=DEFAULT_PAGE,
            slicing_arguments=["first", "last"],
            sized_fields=["edges"],
            require_one_slicing_argument=False,
        ), place


WEIGHTLESS = ("Error.message", "Problem.message", "BulkOperationCancelled.operation")
"""Fields whose resolvers read what is there."""


def test_fields_with_resolvers_have_a_weight() -> None:
    for kind in (SCHEMA.query_type, SCHEMA.mutation_type, SCHEMA.subscription_type):
        assert kind is not None
        for name, field in kind.fields.items():
            assert weight_of(field, 0) > 0, name
    for place, field in every_field():
        if field.extensions["strawberry-definition"].base_resolver is not None and place not in WEIGHTLESS:
            assert weight_of(field, 0) > 0, place


PAGE = "id siteNumber address {city} containers {id} nextPickup {id article {name}} openOrderCount organisation {name}"
JOINED = "id site {id} agreement {id}"
DEEPER = "site {agreements {totalCount}} extraPickupOffers {__typename}"
YEAR = """calendar(since: "2026-01-01", until: "2026-12-31") {
  ... on Calendar {pickups {id article {name} movedBy {name}}}
}"""


@pytest.mark.parametrize(
    "text",
    [
        PORTAL.text.replace("$first: Int!", f"$first: Int! = {MAX_PAGE}"),
        f"{{ sites(first: {MAX_PAGE}) {{ edges {{ node {{ {PAGE} }} }} }} }}",
        f"{{ sites(first: {MAX_PAGE}) {{ edges {{ node {{ id agreements {{ edges {{ node {{ id }} }} }} }} }} }} }}",
        f"{{ orders(first: {MAX_PAGE}) {{ edges {{ node {{ {JOINED} timeline {{ at }} }} }} }} }}",
        get_introspection_query(),
    ],
)
def test_real_pages_are_allowed(text: str) -> None:
    assert 0 < costs(text)() <= ALLOWED


@pytest.mark.parametrize(
    "text",
    [
        "{ sites(first: 10000) { edges { node { " + PAGE + " } } } }",
        "{ orders(first: 10000) { edges { node { " + JOINED + " } } } }",
        "{" + " ".join(f"a{n}: sites(first: 200) {{ edges {{ node {{ {PAGE} }} }} }}" for n in range(15)) + "}",
        f"{{ sites(first: 200) {{ edges {{ node {{ agreements {{ edges {{ node {{ {DEEPER} }} }} }} }} }} }} }}",
        f"{{ sites(first: 200) {{ edges {{ node {{ {YEAR} }} }} }} }}",
    ],
)
def test_excessive_pages_are_rejected(text: str) -> None:
    assert costs(text)() > ALLOWED


def test_cost_of_the_portal_page() -> None:
    of_sites = {sites: costs(PORTAL.text)(first=sites) for sites in (0, 1, 10, 200)}
    # For each site: an edge, the site, its address and 10 containers; 3 for the field of the next pickup, the pickup
    # and its article; 1 for the count of its orders. Once: 10 for the field `sites`, and the connection.
    assert of_sites == {sites: 11 + sites * (13 + 5 + 1) for sites in of_sites}


def test_lists_in_variables_count() -> None:
    nodes_ = costs("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }")
    assert [nodes_(ids=["a"] * count) for count in (0, 1, 100)] == [10, 11, 110]
    report = {"reportId": "1", "kind": "ARRIVED", "at": "2026-03-30T08:00:00Z"}
    reports = costs(
        "mutation ($input: ReportPickupsInput!) { reportPickups(input: $input) { ... on PickupsReported"
        " { outcomes { accepted } } } }"
    )
    assert reports(input={"reports": [report] * 500}) == 10 + 1 + 500 + 1 + 500 * 10


def test_evaluating_a_cost_is_fast() -> None:
    node = parse_and_validate(SCHEMA, PORTAL.text, OperationLimits())
    assert isinstance(node, DocumentNode)
    cost, values = _costing(PORTAL.text, node), {"first": 10}
    # It takes 1 µs; the bound leaves room for a busy machine.
    assert min(timeit.repeat(lambda: cost(values), number=1_000, repeat=5)) / 1_000 < 200e-6


def distinct(node: DocumentNode) -> set[tuple[str, ...]]:
    """Return the paths of fields with selections, except those in fragments that apply to several types."""
    found: set[tuple[str, ...]] = set()

    def go(selections: Any, path: tuple[str, ...]) -> None:
        for one in selections.selections:
            if isinstance(one, FieldNode) and one.selection_set is not None:
                below = (*path, one.alias.value if one.alias else one.name.value)
                found.add(below)
                if all(isinstance(inner, FieldNode) for inner in one.selection_set.selections):
                    go(one.selection_set, below)

    go(node.definitions[0].selection_set, ())  # type: ignore[attr-defined]
    return found


def with_pages_of(text: str, *changed: int) -> str:
    """Return the operation with these page sizes, in order."""
    numbers = iter(changed)
    return re.sub(r"\bfirst: -?\d+", lambda found: f"first: {next(numbers, 1)}", text)


@given(QUERIES)
@settings(max_examples=max_examples(40), suppress_health_check=list(HealthCheck))
def test_no_operation_is_free(text: str) -> None:
    text = with_pages_of(text)
    node = parse_and_validate(SCHEMA, text, WIDE)
    assume(isinstance(node, DocumentNode) and "ids: []" not in text)
    assert costs(text, WIDE)() >= len(distinct(node))  # type: ignore[arg-type]


@given(QUERIES, st.lists(st.tuples(st.integers(-5, 300), st.integers(0, 300)), min_size=10, max_size=10))
@settings(max_examples=max_examples(40), suppress_health_check=list(HealthCheck))
def test_a_larger_page_never_costs_less(text: str, pages: list[tuple[int, int]]) -> None:
    assume("first: " in text and isinstance(parse_and_validate(SCHEMA, text, WIDE), DocumentNode))
    smaller = with_pages_of(text, *(size for size, _ in pages))
    larger = with_pages_of(text, *(size + more for size, more in pages))
    assert costs(smaller, WIDE)() <= costs(larger, WIDE)()
