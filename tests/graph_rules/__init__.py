"""The conventions of the graph, as rules over the committed schema (``make check``).

A rule yields a line for each breach. A new one is a function in a module of its matter, an entry in ``RULES``, and an
example of a breach in ``tests/unit/repository/test_graph_rules.py``.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping

from graphql import GraphQLSchema

from tests.graph_rules.commands import commands
from tests.graph_rules.cursors import cursors
from tests.graph_rules.descriptions import description_breaches
from tests.graph_rules.discovery import discovery_breaches
from tests.graph_rules.events import subscriptions, typed_events
from tests.graph_rules.inputs import input_breaches
from tests.graph_rules.lists import lists
from tests.graph_rules.messages import messages
from tests.graph_rules.money import money
from tests.graph_rules.nodes import nodes, references
from tests.graph_rules.nullability import nullability
from tests.graph_rules.operations import bulk, cost, deprecations
from tests.graph_rules.results import actors, connections_in_unions, error_shape, human_numbers, mutation_results
from tests.graph_rules.scalars import scalar_breaches

Rule = Callable[[GraphQLSchema], Iterator[str]]

RULES: Mapping[str, Rule] = {
    "actors": actors,
    "bulk": bulk,
    "change": deprecations,
    "commands": commands,
    "cost": cost,
    "cursors": cursors,
    "description": description_breaches,
    "discovery": discovery_breaches,
    "events": typed_events,
    "human numbers": human_numbers,
    "inputs": input_breaches,
    "lists": lists,
    "members, too": subscriptions,
    "messages": messages,
    "money": money,
    "nodes": nodes,
    "nullability": nullability,
    "queries": connections_in_unions,
    "references": references,
    "results": lambda schema: itertools.chain(mutation_results(schema), error_shape(schema)),
    "scalars": scalar_breaches,
}
"""The rules by the matter that they keep."""


def breaches(schema: GraphQLSchema, rules: Mapping[str, Rule] = RULES) -> list[str]:
    """List the breaches of all rules, each with the rule's matter."""
    return [f"{matter}: {breach}" for matter, rule in rules.items() for breach in rule(schema)]
