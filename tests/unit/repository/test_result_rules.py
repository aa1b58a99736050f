"""The rules of results, errors, actors and numbers hold for the graph, and each finds a breach."""

from collections.abc import Callable, Iterator

import pytest
from graphql import GraphQLSchema, build_schema

from gateway.schema.builder import build_schema as build_graph
from tests.graph_rules.results import actors, connections_in_unions, error_shape, human_numbers, mutation_results

Rule = Callable[[GraphQLSchema], Iterator[str]]

SOUND = """
    interface Error { code: String! message: String! path: [String!]! retryable: Boolean! }
    type Problem implements Error { code: String! message: String! path: [String!]! retryable: Boolean! }
    interface MutationResult { problems: [Problem!]! }
    type Refusal implements MutationResult { problems: [Problem!]! }
    type Conflict implements MutationResult { problems: [Problem!]! }
    type Moved implements MutationResult { problems: [Problem!]! }
    input MoveInput { version: Int! }
    union MoveResult = Moved | Refusal | Conflict
    interface Actor { name: String }
    type Order { number: String! by: Actor movedBy: Holiday }
    type Holiday { name: String! }
    type SiteConnection { totalCount: Int! }
    type Query { sites: SiteConnection order: Order }
    type Mutation { move(input: MoveInput!): MoveResult }
"""


@pytest.mark.parametrize("rule", [mutation_results, connections_in_unions, error_shape, actors, human_numbers])
def test_the_graph_keeps_the_rules(rule: Rule) -> None:
    assert list(rule(build_graph()._schema)) == []
    assert list(rule(build_schema(SOUND))) == []


@pytest.mark.parametrize(
    ("rule", "before", "after", "found"),
    [
        (mutation_results, "input MoveInput { version: Int! }", "input MoveInput { id: ID! }", "takes a version"),
        (mutation_results, "Moved | Refusal | Conflict", "Moved | Refusal", "takes a version"),
        (mutation_results, "Moved | Refusal | Conflict", "Moved | Conflict", "no union of a success"),
        (mutation_results, "Moved | Refusal | Conflict", "Refusal | Conflict", "no union of a success"),
        (mutation_results, "type Moved implements MutationResult", "type Moved", "is no MutationResult"),
        (mutation_results, "MoveResult }", "Moved }", "returns no union"),
        (connections_in_unions, "Moved | Refusal", "SiteConnection | Moved | Refusal", "has the connection"),
        (actors, "by: Actor", "by: ID!", "Order.by is no Actor"),
        (actors, "movedBy: Holiday", "movedBy: String", "Order.movedBy is no Actor"),
        (human_numbers, "type Order { number: String!", "type Order { id: ID!", "Order has no number"),
        (error_shape, "type Problem implements Error", "type Problem", "is no Error"),
        (error_shape, "interface Error {", "interface Error { text: String", "no interface of code"),
    ],
)
def test_a_rule_finds_a_breach(rule: Rule, before: str, after: str, found: str) -> None:
    assert before in SOUND
    breaches = list(rule(build_schema(SOUND.replace(before, after))))
    assert any(found in breach for breach in breaches), breaches
