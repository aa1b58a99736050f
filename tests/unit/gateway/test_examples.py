"""Examples are valid, complete, and listed; tests/e2e/test_examples.py executes them."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, OperationType, parse, validate
from graphql.execution.values import get_variable_values
from graphql.language import visit
from graphql.language.visitor import Visitor

from gateway.examples import Audience, Example, examples
from gateway.schema.builder import build_schema
from tests.support.examples import fill_gaps, gaps

README = Path(__file__).parents[3] / "gateway" / "examples" / "README.md"
BY_HAND = {
    "revoke-partner": {"partner"},
    "start-import": {"import"},
    "import-status": {"import"},
    "import-progress": {"import"},
    "cancel-import": {"import"},
    "report-pickups": {"order"},
    "verify-email": {"verification"},
    "reset-password": {"reset"},
    "confirm-email-change": {"confirmation"},
    "withdraw-email-change": {"withdrawal"},
    "unlock": {"unlock"},
    "invitation-preview": {"invitation"},
    "accept-invitation": {"invitation"},
    "join-by-invitation": {"invitation"},
}
"""Placeholders that an example leaves to the user, by its description."""

NO_EXAMPLE = {
    "refresh": "it would end the playground's session, which would not keep the new tokens",
    "signOut": "it ends the session that one tries things with",
}

each = pytest.mark.parametrize("example", examples(), ids=lambda one: one.name)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


class FixedClock:
    """A clock with a fixed time."""

    zone = ZoneInfo("Europe/Helsinki")

    def now(self) -> dt.datetime:
        return dt.datetime(2026, 3, 30, 22, 30, 5, 123, tzinfo=dt.UTC)

    def today(self) -> dt.date:
        return self.now().astimezone(self.zone).date()


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found.add(node.alias.value if node.alias else node.name.value)


def operation_of(text: str) -> OperationDefinitionNode:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def names_in(text: str | None) -> set[str]:
    names = _Names()
    if text:
        visit(parse(text), names)
    return names.found


@each
def test_it_is_one_valid_operation_with_a_name(example: Example, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(example.query)) == []
    assert operation_of(example.query).name is not None


@each
def test_its_variables_are_those_of_the_operation(example: Example, schema: GraphQLSchema) -> None:
    operation = operation_of(example.query)
    declared = {one.variable.name.value for one in operation.variable_definitions or ()}
    assert set(example.variables) <= declared
    found = {name: "2026-04-07" if "day" in name else f"found {name}" for name in gaps(example.variables) - {"version"}}
    variables = fill_gaps(dict(example.with_dates(FixedClock()).variables), {"version": 1}, found)
    values = get_variable_values(schema, operation.variable_definitions or (), _as_json(variables))
    assert not isinstance(values, list), values


@each
def test_its_placeholders_are_found_or_described(example: Example, schema: GraphQLSchema) -> None:
    if example.find is not None:
        assert operation_of(example.find).operation is OperationType.QUERY, "finding changes nothing"
        assert validate(schema, parse(example.find)) == []
    left = gaps(example.with_dates(FixedClock()).variables) - {"new"} - names_in(example.find)
    assert left == BY_HAND.get(example.name, set())
    if left:
        assert "Fill in" in example.description or "fill it in" in example.description


def test_every_field_of_the_root_has_an_example(schema: GraphQLSchema) -> None:
    shown = {
        selection.name.value
        for example in examples()
        for selection in operation_of(example.query).selection_set.selections
        if isinstance(selection, FieldNode)
    }
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    assert {name for root in roots if root for name in root.fields} - shown == set(NO_EXAMPLE)
    assert {example.audience for example in examples()} == set(Audience)
    assert all(example.audience is Audience.PARTNER for example in examples() if example.scopes)


def test_dates_are_relative_to_the_clock() -> None:
    (calendar,) = (one for one in examples() if one.name == "calendar")
    dated = calendar.with_dates(FixedClock()).variables
    assert dated == {"site": "<site>", "since": dt.date(2026, 3, 31), "until": dt.date(2026, 5, 30)}
    assert calendar.variables["since"] == "<today>", "the next one is another day's"
    (report,) = (one for one in examples() if one.name == "report-pickups")
    (at,) = (one["at"] for one in report.with_dates(FixedClock()).variables["input"]["reports"])
    assert at.isoformat() == "2026-03-30T22:30:05+00:00"


def test_titles_are_unique_and_sorted_by_audience() -> None:
    titles = [example.title for example in examples()]
    assert len(titles) == len(set(titles))
    assert [example.audience for example in examples()] == sorted(
        (example.audience for example in examples()), key=list(Audience).index
    )


def test_the_readme_lists_them() -> None:
    rows = [f"| [{one.title}]({one.name}.graphql) | {one.audience.value} | {one.description} |" for one in examples()]
    listed = [line for line in README.read_text(encoding="utf-8").splitlines() if ".graphql) |" in line]
    assert listed == rows, "\n".join(rows)


def _as_json(value: Any) -> Any:
    """Return a value as JSON decodes it."""
    match value:
        case dict():
            return {name: _as_json(one) for name, one in value.items()}
        case list():
            return [_as_json(one) for one in value]
        case dt.datetime() | dt.date():
            return value.isoformat()
    return value
