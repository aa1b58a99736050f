"""The rule of lists reports each breach, and accepts what keeps it."""

import pytest
from graphql import build_schema

from tests.graph_rules import RULES

KEPT = '''
type Query {
  bins(
    """At most. 0 to 200."""
    first: Int = null
    after: String = null
    """At most. 0 to 200."""
    last: Int = null
    before: String = null
    filter: BinFilter = null
    order: BinOrder = null
    updatedAfter: String = null
  ): BinConnection
}
type BinConnection { edges: [Int!]! pageInfo: Int! removed: [ID!]! totalCount: Int! }
input BinFilter { colours: [String!] = null search: String = null }
input BinOrder { field: Int! direction: Int! = 1 }
'''


def test_a_list_that_keeps_the_conventions_has_no_breach() -> None:
    assert list(RULES["lists"](build_schema(KEPT))) == []


@pytest.mark.parametrize(
    ("kept", "broken", "breach"),
    [
        ("first: Int = null", "first: Int! = 50", "Query.bins has no argument first: Int"),
        ("    before: String = null\n", "", "Query.bins has no argument before: String"),
        ("At most. 0 to 200.", "At most.", "Query.bins(first) does not say the largest page"),
        ("filter: BinFilter = null", "colours: [String!]", "Query.bins has no argument filter of an input type"),
        ("filter: BinFilter = null", "filter: BinFilter!", "Query.bins has no argument filter of an input type"),
        ("order: BinOrder = null", "", "Query.bins has no argument order of an input type {field, direction}"),
        ("{ field: Int!", "{ by: Int!", "Query.bins has no argument order of an input type {field, direction}"),
        ("    updatedAfter: String = null\n", "", "Query.bins has no argument updatedAfter, or"),
        ("updatedAfter: String = null", "updatedAfter: Int", "Query.bins(updatedAfter) is no String"),
        ("removed: [ID!]!", "", "BinConnection has no removed"),
        ("totalCount: Int!", "", "BinConnection has no totalCount"),
        ("colours: [String!] = null", "colours: [String!]!", "BinFilter.colours can't be null, which is no condition"),
        ("colours: [String!] = null", "colours: [String]", "BinFilter.colours may have null among its values"),
    ],
)
def test_a_breach_is_reported(kept: str, broken: str, breach: str) -> None:
    assert kept in KEPT
    found = list(RULES["lists"](build_schema(KEPT.replace(kept, broken))))
    assert any(one.startswith(breach) for one in found), found
