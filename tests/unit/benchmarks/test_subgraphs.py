"""Tests of the canned subgraphs and the graph that is composed of them."""

from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema, extend_schema, find_breaking_changes, parse, validate

from tests.benchmarks import contest
from tests.benchmarks.contest import subgraphs
from tests.benchmarks.contest.pages import MANY, OTHERS, PAGES, PORTAL, Page
from tests.support.servers import ROOT

ENTITIES = "union _Entity = Site scalar _Any extend type Query { _entities(representations: [_Any!]!): [_Entity]! }"


def read(file: Path) -> GraphQLSchema:
    return build_schema(file.read_text(encoding="utf-8"))


SCHEMA = read(ROOT / "gateway" / "schema.graphql")
COMPOSED = read(Path(contest.__file__).parent / "entries" / "hive" / "supergraph.graphql")
SUBGRAPHS = extend_schema(COMPOSED, parse(ENTITIES))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_operations_are_valid_in_the_composed_graph(page: Page) -> None:
    assert not validate(COMPOSED, parse(page.text))


def test_the_composed_graph_is_a_part_of_the_schema() -> None:
    changes = [change.description for change in find_breaking_changes(COMPOSED, SCHEMA)]
    assert [change for change in changes if "join__" not in change] == []


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_a_page_takes_a_fetch_for_each_of_its_calls(page: Page) -> None:
    fetches = list(subgraphs.fetches(page))
    assert len(fetches) == page.calls
    for fetch in fetches:
        assert not validate(SUBGRAPHS, parse(fetch.query))


def test_the_first_fetch_has_the_representations_of_the_second() -> None:
    sites, entities = (fetch.data for fetch in subgraphs.fetches(MANY))
    nodes = [edge["node"] for edge in sites["sites"]["edges"]]
    assert {node["__typename"] for node in nodes} == {"Site"}
    assert len({node["id"] for node in nodes}) == len(entities["_entities"]) == MANY.sites


def test_fields_are_those_of_the_query_in_its_order() -> None:
    sites, entities = subgraphs.fetches(PORTAL)
    for fetch, data in ((sites, sites.data["sites"]["edges"][0]["node"]), (entities, entities.data["_entities"][0])):
        written = iter(fetch.query.replace("{", " ").replace("}", " ").split())
        assert all(field in written for field in data)
