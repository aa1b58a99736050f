"""The subgraphs by heart and the graph that is composed of them."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, extend_schema, find_breaking_changes, parse, validate

from tests.benchmarks import contest
from tests.benchmarks.contest import subgraphs
from tests.benchmarks.contest.pages import MANY, OTHERS, PAGES, PORTAL, Page
from tests.support.servers import ROOT

ENTITIES = "union _Entity = Site scalar _Any extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"


def read(place: Path) -> GraphQLSchema:
    return build_schema(place.read_text(encoding="utf-8"))


SCHEMA = read(ROOT / "gateway" / "schema.graphql")
COMPOSED = read(Path(contest.__file__).parent / "entries" / "hive" / "supergraph.graphql")
SUBGRAPHS = extend_schema(COMPOSED, parse(ENTITIES))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_the_composed_graph_has_what_is_asked_for(page: Page) -> None:
    assert not validate(COMPOSED, parse(page.text))


def test_the_composed_graph_is_a_part_of_the_schema() -> None:
    lacking = [change.description for change in find_breaking_changes(COMPOSED, SCHEMA)]
    assert [one for one in lacking if "join__" not in one] == []


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_a_page_takes_a_fetch_for_each_of_its_calls(page: Page) -> None:
    fetches = list(subgraphs.fetches(page))
    assert len(fetches) == page.calls
    for fetch in fetches:
        assert not validate(SUBGRAPHS, parse(fetch.query))


def test_what_is_fetched_first_represents_what_is_fetched_then() -> None:
    sites, entities = (fetch.data for fetch in subgraphs.fetches(MANY))
    nodes = [edge["node"] for edge in sites["sites"]["edges"]]
    assert {node["__typename"] for node in nodes} == {"Site"}
    assert len({node["id"] for node in nodes}) == len(entities["_entities"]) == MANY.sites


def test_fields_are_those_of_the_query_in_its_order() -> None:
    sites, entities = subgraphs.fetches(PORTAL)
    for fetch, data in ((sites, sites.data["sites"]["edges"][0]["node"]), (entities, entities.data["_entities"][0])):
        written = iter(fetch.query.replace("{", " ").replace("}", " ").split())
        assert all(field in written for field in data)
