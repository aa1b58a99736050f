"""Inputs of which exactly one field is given."""

from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from gateway.execution.strawberry.schema import PlanningSchema
from gateway.schema.fields import Info, typed_field
from services.contracts.values import Id, OneOf


class PickupChoice(OneOf, frozen=True, kw_only=True):
    """A pickup."""

    order_id: Id | None = None
    """The id of its order."""
    day: int | None = None
    """Its day."""


@typed_field(str)
def chosen(info: Info, pickup: PickupChoice) -> str:
    """The choice."""
    return repr(pickup)


@pytest.fixture(scope="module")
def schema() -> PlanningSchema:
    return PlanningSchema(query=strawberry.type(type("Query", (), {"chosen": chosen})))


def test_such_an_input_has_the_directive_and_no_defaults(schema: PlanningSchema) -> None:
    text = schema.as_str()
    assert "input PickupChoiceInput @oneOf {" in text
    assert "orderId: ID\n" in text


@pytest.mark.parametrize("day", ["day: 3", "day: $day"])
async def test_the_resolver_gets_the_contracts_struct(schema: PlanningSchema, day: str) -> None:
    definition = "($day: Int!)" if "$" in day else ""
    result = await schema.execute(f"query {definition} {{ chosen(pickup: {{{day}}}) }}", variable_values={"day": 3})
    assert result.errors is None
    assert result.data == {"chosen": "PickupChoice(order_id=None, day=3)"}


async def test_a_variable_of_the_type_is_coerced(schema: PlanningSchema) -> None:
    text = "query ($pickup: PickupChoiceInput!) { chosen(pickup: $pickup) }"
    result = await schema.execute(text, variable_values={"pickup": {"orderId": "order_1"}})
    assert result.data == {"chosen": "PickupChoice(order_id='order_1', day=None)"}


@pytest.mark.parametrize("value", [{}, {"orderId": "order_1", "day": 3}, {"day": None}])
async def test_none_or_two_are_refused(schema: PlanningSchema, value: dict[str, Any]) -> None:
    text = "query ($pickup: PickupChoiceInput!) { chosen(pickup: $pickup) }"
    result = await schema.execute(text, variable_values={"pickup": value})
    assert result.errors
    assert isinstance(result.errors[0].original_error, GraphQLError | None)
