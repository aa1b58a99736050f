"""A body that comes again is known: for callers of its kind, and where nobody could have changed what it says."""

from typing import Any, cast

import msgspec
import pytest

from gateway.admission import CHARACTERS_A_UNIT, Admission
from gateway.context import Asker
from gateway.errors import Refused
from gateway.execution.limits import Limits
from gateway.http import parameters
from gateway.persisted.documents import PersistedDocuments
from gateway.rate.budgets import Budgets
from gateway.rate.policy import Policy
from gateway.rate.price import BYTES_A_UNIT, REQUEST, price_of
from gateway.rate.rates import RateLimited, Rates
from gateway.schema.build import KiertoSchema, build_schema
from services.contracts.identity import Language, SubjectKind

QUOTA = 10_000
CHEAP = "{ me { id } }"
STRANGER = Asker(None, "en", Language.EN, "192.0.2.1", cast(Any, None), "", "192.0.2.1")
USER = Asker(None, "en", Language.EN, "192.0.2.1", cast(Any, None), "USER", "maija")


@pytest.fixture(scope="module")
def schema() -> KiertoSchema:
    return build_schema()


@pytest.fixture
def admission(schema: KiertoSchema) -> Admission:
    budgets = Budgets("redis://127.0.0.1:1/0", gateways=1, secret=b"test")
    rates = Rates({kind: budgets.under(Policy("any", QUOTA, 3600)) for kind in (None, SubjectKind.USER)})
    return Admission(schema.engine, Limits(), PersistedDocuments(), rates, open_schema=True)


async def admitted(admission: Admission, body: bytes, asker: Asker) -> Any:
    return await admission.admit(parameters.of_body(body), asker, len(body), body)


def body_of(query: str, **more: Any) -> bytes:
    return msgspec.json.encode({"query": query, **more})


async def test_it_is_judged_once_for_each_kind_of_caller(admission: Admission) -> None:
    body = body_of("query ($first: Int!) { sites(first: $first) { totalCount } }", variables={"first": 3})
    assert admission.admit_again(body, STRANGER) is None
    first, _ = await admitted(admission, body, STRANGER)
    again = admission.admit_again(body, STRANGER)
    assert again is not None
    assert again[0] is first
    assert first.values.coerced == {"first": 3}
    text = len(first.known.document.text) // CHARACTERS_A_UNIT
    assert again[1].remaining == QUOTA - 2 * first.cost - text - price_of(len(body)), "its bytes are paid for, too"
    assert admission.admit_again(body, USER) is None
    assert admission.admit_again(body + b" ", STRANGER) is None


async def test_it_costs_as_much_as_the_first_time(admission: Admission) -> None:
    body = body_of(CHEAP + " # as often as it may be asked")
    await admitted(admission, body, USER)
    with pytest.raises(RateLimited):
        for _ in range(QUOTA):
            assert admission.admit_again(body, USER) is not None


@pytest.mark.parametrize(
    "body",
    [
        body_of(
            "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", variables={"ids": ["site_00000000000000000000000000"]}
        ),
        body_of(
            "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }",
            variables={"input": {"username": "a", "password": "b"}},
        ),
        body_of(CHEAP, extensions={"client": "a"}),
        body_of(CHEAP, variables={"padding": "x" * 10_000}),
    ],
)
async def test_some_are_looked_at_each_time(admission: Admission, body: bytes) -> None:
    await admitted(admission, body, STRANGER)
    assert admission.admit_again(body, STRANGER) is None


async def test_what_is_refused_is_not_known(admission: Admission) -> None:
    for body in (body_of("{ nothing }"), body_of("query A { me { id } } query B { me { id } }")):
        for _ in range(2):
            with pytest.raises(Refused):
                await admitted(admission, body, STRANGER)
            assert admission.admit_again(body, STRANGER) is None


async def test_what_arrived_is_charged_by_its_bytes(admission: Admission) -> None:
    first, before = await admitted(admission, body_of(CHEAP), STRANGER)
    admission.charge(STRANGER, 0)
    admission.charge(STRANGER, 800)
    _, after = await admitted(admission, body_of(CHEAP), STRANGER)
    assert before.remaining - after.remaining == 2 * REQUEST + 800 // BYTES_A_UNIT + first.cost
    with pytest.raises(RateLimited):
        admission.charge(USER, BYTES_A_UNIT * QUOTA)
    admission.charge(USER, BYTES_A_UNIT * (QUOTA - REQUEST))
