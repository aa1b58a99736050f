"""Admission: a document is parsed once, and every execution is charged its cost."""

from typing import Any, cast

import msgspec
import pytest

from gateway.admission import CHARACTERS_PER_UNIT, Admission
from gateway.context import Requester
from gateway.errors import RequestError
from gateway.execution.limits.operation_limits import OperationLimits
from gateway.http import parameters
from gateway.persisted_documents.documents import PersistedDocuments
from gateway.rate_limit.base_cost import BYTES_PER_UNIT, REQUEST_UNITS
from gateway.rate_limit.limiter import RateLimited, RateLimiter
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.shared_budgets import SharedBudgets
from gateway.schema.builder import KiertoSchema, build_schema
from services.contracts.identity.people import Language
from services.contracts.permission import SubjectKind

QUOTA = 10_000
CHEAP = "{ me { id } }"
STRANGER = Requester(None, "en", Language.EN, "192.0.2.1", cast(Any, None), "", "192.0.2.1")
USER = Requester(None, "en", Language.EN, "192.0.2.1", cast(Any, None), "USER", "maija")


@pytest.fixture(scope="module")
def schema() -> KiertoSchema:
    return build_schema()


@pytest.fixture
def admission(schema: KiertoSchema) -> Admission:
    budgets = SharedBudgets("redis://127.0.0.1:1/0", gateways=1, secret=b"test")
    rates = RateLimiter({kind: budgets.budget_for(Policy("any", QUOTA, 3600)) for kind in (None, SubjectKind.USER)})
    return Admission(schema.engine, OperationLimits(), PersistedDocuments(), rates, open_schema=True)


async def prepare(admission: Admission, body: bytes, requester: Requester) -> Any:
    return await admission.admit(parameters.parse_body(body), requester, len(body))


def body_of(query: str, **more: Any) -> bytes:
    return msgspec.json.encode({"query": query, **more})


async def test_a_document_is_parsed_once_and_costs_as_much_each_time(admission: Admission) -> None:
    query = "query ($first: Int!) { sites(first: $first) { edges { node { id } } } }"
    first, before = await prepare(admission, body_of(query, variables={"first": 3}), STRANGER)
    text = len(query) // CHARACTERS_PER_UNIT
    assert before.remaining == QUOTA - text - first.cost
    again, after = await prepare(admission, body_of(query, variables={"first": 3}), STRANGER)
    assert again.document_operation.document is first.document_operation.document
    assert before.remaining - after.remaining == first.cost == again.cost
    more, _ = await prepare(admission, body_of(query, variables={"first": 30}), USER)
    assert more.document_operation.document is first.document_operation.document
    assert (more.variable_values.coerced, more.cost > first.cost) == ({"first": 30}, True)


async def test_a_requester_that_spent_its_quota_is_not_admitted(admission: Admission) -> None:
    body = body_of(CHEAP)
    with pytest.raises(RateLimited):
        for _ in range(QUOTA):
            await prepare(admission, body, USER)


async def test_a_rejected_request_costs_only_its_document(admission: Admission) -> None:
    _, before = await prepare(admission, body_of(CHEAP), STRANGER)
    for query in ("{ nothing }", "query A { me { id } } query B { me { id } }"):
        with pytest.raises(RequestError):
            await prepare(admission, body_of(query), STRANGER)
        before = msgspec.structs.replace(before, remaining=before.remaining - len(query) // CHARACTERS_PER_UNIT)
    last, after = await prepare(admission, body_of(CHEAP), STRANGER)
    assert after.remaining == before.remaining - last.cost


async def test_a_request_is_charged_by_its_bytes(admission: Admission) -> None:
    first, before = await prepare(admission, body_of(CHEAP), STRANGER)
    admission.charge(STRANGER, 0)
    admission.charge(STRANGER, 800)
    _, after = await prepare(admission, body_of(CHEAP), STRANGER)
    assert before.remaining - after.remaining == 2 * REQUEST_UNITS + 800 // BYTES_PER_UNIT + first.cost
    with pytest.raises(RateLimited):
        admission.charge(USER, BYTES_PER_UNIT * QUOTA)
    admission.charge(USER, BYTES_PER_UNIT * (QUOTA - REQUEST_UNITS))
