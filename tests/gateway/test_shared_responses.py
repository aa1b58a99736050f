"""Shared responses: subscribers of the same document get the same response as each would by itself."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from gateway.execution.strawberry.schema import PlanningSchema
from gateway.execution.strawberry.subscription_executor import EventResultCache, SubscriptionExecutor
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, subscription, typed_field
from gateway.schema.scalars import SCALARS
from gateway.subscriptions.subscriber import Checkpoint
from gateway.subscriptions.typed_events import with_fields
from services.contracts.orders.event_log import OrderEvent
from services.contracts.values import Outcome, Refusal, refuse
from tests.gateway.stubs.samples import NOW, ORGANISATION, site_id


class Joined(Outcome, frozen=True, kw_only=True):
    """An item with a field of another service, which is never shared."""

    cursor: str


@typed_field(str)
async def who(parent: strawberry.Parent[Joined], info: Info) -> str:
    context: Any = info.context
    return str(context["who"])


extend_type(Joined, who)

EVENT = with_fields(
    OrderEvent(
        id=str(uuid.UUID(int=1)),
        cursor="here",
        sequence=2**40,
        type="orders.order.placed",
        time=NOW,
        subject="order_1",
        organisation_id=ORGANISATION,
        site_id=site_id(1),
        data=msgspec.Raw('{"a":"å\\n"}'.encode()),
    ),
    None,
)
ITEMS: list[Any] = [EVENT, Checkpoint(cursor="there"), refuse("FORBIDDEN"), Joined(cursor="else"), EVENT]


@subscription("Item")
async def items(info: Info, after: str | None = None) -> AsyncIterator[OrderEvent | Checkpoint | Refusal | Joined]:
    for item in ITEMS:
        yield item


def schema(kind: type[strawberry.Schema]) -> strawberry.Schema:
    return kind(
        strawberry.type(type("Query", (), {"__annotations__": {"nothing": int}})),
        subscription=strawberry.type(type("Subscription", (), {"items": items})),
        config=StrawberryConfig(scalar_map=SCALARS),
    )


PLAIN, SHARING = schema(strawberry.Schema), schema(PlanningSchema)

DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "all fields": (
        """subscription { items { __typename
             ... on OrderEvent { id cursor sequence type time subject organisationId data }
             ... on Checkpoint { cursor } ... on Refusal { problems { code } } ... on Joined { cursor who } } }""",
        {},
    ),
    "aliases": ("subscription { all: items { a: __typename ... on OrderEvent { b: id c: id time: type } } }", {}),
    "fragments": (
        """subscription { ...Root } fragment Root on Subscription { items { ...E } }
           fragment E on OrderEvent { ...F cursor } fragment F on OrderEvent { sequence }""",
        {},
    ),
    "a fragment below": ("subscription { items { ...E } } fragment E on OrderEvent { id ... { type } }", {}),
    "skipped": (
        "subscription ($no: Boolean!) { items { ... on OrderEvent { id @skip(if: $no) type } } }",
        {"no": True},
    ),
    "not skipped": (
        "subscription ($no: Boolean!) { items { ... on OrderEvent { id @skip(if: $no) type } } }",
        {"no": False},
    ),
    "included by default": (
        """subscription ($yes: Boolean = true) { items { ...E @include(if: $yes) } }
           fragment E on OrderEvent { id type @include(if: $yes) }""",
        {},
    ),
    "not included": (
        """subscription ($yes: Boolean = true) { items { ...E @include(if: $yes) } }
           fragment E on OrderEvent { id type @include(if: $yes) }""",
        {"yes": False},
    ),
    "an argument": (
        "subscription ($after: String) { items(after: $after) { ... on OrderEvent { id } } }",
        {"after": "x"},
    ),
    "one of two operations": (
        "subscription B { items { ... on OrderEvent { id } } } subscription A { items { ... on OrderEvent { type } } }",
        {},
    ),
}


async def answers(
    from_schema: strawberry.Schema, document: str, variables: dict[str, Any], who: str = "me"
) -> list[Any]:
    """Return the decoded responses of a subscriber."""
    name = "A" if "subscription A" in document else None
    found = await from_schema.subscribe(document, variables, context_value={"who": who}, operation_name=name)
    return [msgspec.json.decode(msgspec.json.encode({"data": one.data, "errors": one.errors})) async for one in found]


@pytest.fixture(autouse=True)
def empty_response_cache(monkeypatch: pytest.MonkeyPatch) -> EventResultCache:
    """Empty the cache of other tests' responses."""
    made = EventResultCache()
    monkeypatch.setattr(SubscriptionExecutor, "results", made)
    return made


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_a_shared_response_is_the_same(name: str) -> None:
    for document, variables in (DOCUMENTS[name], *DOCUMENTS.values(), DOCUMENTS[name]):
        alone = await answers(PLAIN, document, variables)
        assert [one["errors"] for one in alone] == [None] * len(ITEMS)
        assert await answers(SHARING, document, variables) == alone


async def test_the_second_subscriber_gets_the_first_ones_response(empty_response_cache: EventResultCache) -> None:
    document = "subscription ($after: String) { items(after: $after) { ... on OrderEvent { id data } } }"
    for after in ("a", "b", "c"):
        await answers(SHARING, document, {"after": after})
    assert len(empty_response_cache._results) == 3, "the event, the checkpoint, and what is nothing of the joined one"


async def test_fields_of_another_service_are_never_shared() -> None:
    document = "subscription { items { ... on Joined { cursor who } } }"
    for one in ("me", "you"):
        assert (await answers(SHARING, document, {}, who=one))[3]["data"]["items"]["who"] == one


def test_old_responses_are_evicted() -> None:
    answers = EventResultCache(capacity=2)
    for number in range(3):
        answers.store(number, number)  # type: ignore[arg-type]
    assert [answers.get(number) for number in range(3)] == [None, 1, 2]
