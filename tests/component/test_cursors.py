"""Tests of cursors of all lists of all contracts: forged, truncated, and of other lists.

A list is an operation with a ``Page`` among its arguments. A list without rows in these tests fails.
"""

import asyncio
import base64
import typing
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import msgspec
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.rpc.signature import Signature, signatures
from services.contracts.values import Filter, Page, Sorting
from tests.component.conftest import ServeWalked
from tests.component.permission.callers import (
    ORG_B,
    SITE_A,
    SITE_A2,
    SITE_B,
    CallerCase,
    ServiceEndpoint,
)
from tests.component.permission.walked_services import WALKED_SERVICES
from tests.snapshots import CONTRACTS
from tests.support.hypothesis_profiles import property_test

# The same list in another order, or with another filter: another list to a cursor.
OTHER_ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "sites": [
        {"order": {"field": "CITY"}},
        {"order": {"field": "SITE_NUMBER"}},
        {"order": {"field": "ADDRESS", "direction": "DESC"}},
        {"filter": {"search": "street"}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"propertyTypes": ["HOUSE"]}},
        {"organisationId": ORG_B},
    ],
    "orders": [
        {"order": {"field": "PLACED_AT"}},
        {"filter": {"siteIds": [SITE_A]}},
        {"filter": {"siteIds": [SITE_B]}},
        {"filter": {"siteIds": [SITE_A, SITE_B]}},
        {"filter": {"number": "E-1"}},
        {"filter": {"agreementIds": ["agreement_01h455vb4pex5vsknk084sn02q"]}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"states": ["RECEIVED", "CONFIRMED"]}},
        {"filter": {"kinds": ["EXTRA_PICKUP"]}},
        {"filter": {"since": "2026-01-01"}},
        {"filter": {"until": "2026-12-31"}},
    ],
    "tickets": [
        {"order": {"field": "OPENED_AT"}},
        {"filter": {"siteIds": [SITE_A]}},
        {"filter": {"siteIds": [SITE_B]}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"states": ["NEW"]}},
        {"filter": {"topics": ["OTHER"]}},
        {"filter": {"channels": ["PHONE"]}},
        {"filter": {"assigned": True}},
        {"filter": {"assigneeIds": ["user_01h455vb4pex5vsknk084sn02q"]}},
        {"filter": {"search": "hei"}},
    ],
    "heldMessages": [
        {"order": {"field": "CAUSED_AT", "direction": "DESC"}},
        {"filter": {"states": ["HELD"]}},
        {"filter": {"kinds": ["DAY_CHANGED"]}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"siteIds": [SITE_A]}},
    ],
    "mailSuppressions": [
        {"order": {"field": "SINCE"}},
        {"filter": {"recipientKinds": ["SITE"]}},
        {"filter": {"reasons": ["ADDRESS_FAILED"]}},
    ],
    "threadsOfTickets": [
        {"ticketIds": ["ticket_01h455vb4pex5vsknk084sn02q"]},
        {"filter": {"kinds": ["MESSAGE"]}},
        {"order": {"field": "AT", "direction": "DESC"}},
    ],
    "agreementsOfSites": [
        {"siteIds": [SITE_A2]},
        {"siteIds": [SITE_B]},
        {"filter": {"ended": False}},
        {"filter": {"fractions": ["GLASS"]}},
        {"order": {"field": "AGREEMENT_NUMBER", "direction": "DESC"}},
    ],
    "organisationsOfPartners": [
        {"partnerIds": ["partner_01h455vb4pex5vsknk084sn02q"]},
        {"order": {"field": "CUSTOMER_NUMBER"}},
        {"filter": {"search": "name"}},
        {"filter": {"ids": [ORG_B]}},
        {"filter": {"kinds": ["BUSINESS"]}},
        {"filter": {"customerNumbers": [f"number of {ORG_B}"]}},
    ],
    "organisations": [
        {"order": {"field": "CUSTOMER_NUMBER"}},
        {"order": {"field": "NAME", "direction": "DESC"}},
        {"filter": {"ids": [ORG_B]}},
        {"filter": {"search": "name"}},
        {"filter": {"kinds": ["BUSINESS"]}},
        {"filter": {"customerNumbers": [f"number of {ORG_B}"]}},
    ],
    "organisationMembers": [
        {"order": {"field": "SINCE", "direction": "DESC"}},
        {"filter": {"search": "user"}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"roles": ["ADMIN"]}},
        {"filter": {"siteIds": [SITE_A]}},
        {"filter": {"ended": False}},
    ],
    "invitations": [
        {"order": {"field": "INVITED_AT"}},
        {"filter": {"search": "example"}},
        {"filter": {"organisationIds": [ORG_B]}},
        {"filter": {"states": ["PENDING"]}},
    ],
    "partners": [
        {"order": {"field": "NAME", "direction": "DESC"}},
        {"filter": {"search": "first"}},
        {"filter": {"active": True}},
        {"filter": {"active": False}},
    ],
    "imports": [
        {"order": {"field": "UPLOADED_AT"}},
        {"filter": {"states": ["DONE", "RUNNING", "STAGED", "FAILED"]}},
    ],
    "badRows": [
        {"id": "import_x_01h455vb4pex5vsknk084sn02r"},
        {"filter": {"codes": ["MALFORMED"]}},
        {"filter": {"fields": ["line"]}},
        {"order": {"field": "LINE", "direction": "DESC"}},
    ],
}
# Equivalent arguments of a filter.
EQUIVALENT_ARGUMENTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sites": ({"filter": {"search": "street"}}, {"filter": {"search": "  STREET "}, "order": {"field": "ADDRESS"}}),
    "orders": (
        {"filter": {"states": ["RECEIVED", "SCHEDULED"]}},
        {
            "filter": {"states": ["SCHEDULED", "RECEIVED", "SCHEDULED"], "kinds": None},
            "order": {"field": "PLACED_AT", "direction": "DESC"},
        },
    ),
}


class ListReader:
    """The lists of one service, read by staff."""

    def __init__(self, endpoint: ServiceEndpoint, arguments: Mapping[str, dict[str, Any]]) -> None:
        self.endpoint = endpoint
        self.arguments = arguments

    async def page(self, name: str, page: Mapping[str, object], changes: Mapping[str, Any]) -> tuple[int, Any]:
        """Return the status and the response."""
        arguments = {**self.arguments[name], **changes, "page": page}
        status, body = await self.endpoint.call(CallerCase.STAFF, name, arguments)
        response = msgspec.json.decode(body)
        return status, response[0] if status == 200 and isinstance(response, list) else response

    async def cursor(self, name: str, changes: Mapping[str, Any]) -> str | None:
        """Return the cursor of the first row, or None."""
        status, listing = await self.page(name, {"first": 1}, changes)
        assert status == 200
        cursor: str | None = listing["pageInfo"]["endCursor"]
        return cursor


@pytest.fixture(params=WALKED_SERVICES)
async def lists(
    request: pytest.FixtureRequest,
    serve_walked: ServeWalked,
) -> AsyncIterator[ListReader]:
    walked = WALKED_SERVICES[request.param]
    async with serve_walked(walked) as (endpoint, examples):
        arguments = {
            name: examples[name].arguments(CallerCase.STAFF, walked.ids)
            for name, operation in signatures(cast(Any, walked.blueprint.contract)).items()
            if any(field.type is Page for field in msgspec.structs.fields(operation.arguments))
        }
        yield ListReader(endpoint, arguments)


def inputs_of(operation: Signature, kind: type[msgspec.Struct]) -> list[tuple[str, type[msgspec.Struct]]]:
    """Return the parameters of an operation that are of a kind of inputs, with their types."""
    fields = msgspec.structs.fields(operation.arguments)
    types = [(field.encode_name, one) for field in fields for one in (field.type, *typing.get_args(field.type))]
    return [(name, one) for name, one in types if isinstance(one, type) and issubclass(one, kind)]


def test_every_field_of_a_filter_makes_another_list() -> None:
    """The tests here have another list for each order and for each field of a filter."""
    lacking = []
    for operation in (one for contract in CONTRACTS for one in signatures(contract).values()):
        if not inputs_of(operation, Page):
            continue
        tried = OTHER_ARGUMENTS[operation.name]
        for argument, kind in inputs_of(operation, Filter):
            names = {field.encode_name for field in msgspec.structs.fields(kind)}
            lacking += [
                (operation.name, name) for name in names if not any(name in one.get(argument, {}) for one in tried)
            ]
        for argument, _ in inputs_of(operation, Sorting):
            lacking += [] if any(argument in one for one in tried) else [(operation.name, argument)]
    assert sorted(lacking) == []


def is_refused(status: int, problem: Any) -> bool:
    return status == 400 and problem["code"] == "MALFORMED" and problem["path"][-1:] == ["after"]


async def test_a_cursor_belongs_to_its_list_its_order_and_its_filter(lists: ListReader) -> None:
    failures: list[object] = []
    cursors: dict[tuple[str, int], str] = {}
    variants = [
        (name, place, changes) for name in lists.arguments for place, changes in enumerate([{}, *OTHER_ARGUMENTS[name]])
    ]
    for name, place, changes in variants:
        cursor = await lists.cursor(name, changes)
        if cursor is not None:
            cursors[name, place] = cursor
        elif place == 0:
            failures.append(f"{name} shows nothing")
    for variant, cursor in cursors.items():
        for name, place, changes in variants:
            status, response = await lists.page(name, {"first": 2, "after": cursor}, changes)
            own = variant == (name, place)
            if not (is_refused(status, response) or own) or (own and status != 200):
                failures.append((variant, name, changes, status, response))
    assert failures == []


async def test_an_empty_text_and_a_text_of_anything_else_are_no_cursors(lists: ListReader) -> None:
    for name in lists.arguments:
        for text in ("", " ", "MALFORMED", "START"):
            assert is_refused(*await lists.page(name, {"after": text}, {})), (name, text)
            status, problem = await lists.page(name, {"last": 1, "before": text}, {})
            assert (status, problem["code"], problem["path"][-1:]) == (400, "MALFORMED", ["before"]), (name, text)


async def test_the_number_of_rows_and_the_wording_of_a_filter_may_change(lists: ListReader) -> None:
    for name in lists.arguments:
        one, other = EQUIVALENT_ARGUMENTS.get(name, ({}, {}))
        cursor = await lists.cursor(name, one)
        for first in (1, 200):
            status, _ = await lists.page(name, {"first": first, "after": cursor}, other)
            assert status == 200, name


async def test_a_cursor_of_one_site_is_refused_for_others(lists: ListReader) -> None:
    if "agreementsOfSites" in lists.arguments:
        cursor = await lists.cursor("agreementsOfSites", {"siteIds": [SITE_A]})
        two = {"siteIds": [SITE_A, SITE_B]}
        assert is_refused(*await lists.page("agreementsOfSites", {"after": cursor}, two))


# Hypothesis draws in a thread while the service uses `random`, which is no part of a strategy.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@property_test
async def test_no_cursor_makes_a_list_fail(lists: ListReader) -> None:
    for name in lists.arguments:
        cursor = await lists.cursor(name, {})
        assert cursor is not None
        await asyncio.to_thread(_request_with_any_cursor, lists, name, cursor)


def _request_with_any_cursor(lists: ListReader, name: str, cursor: str) -> None:
    digest = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:6]
    headers = lists.endpoint.headers(CallerCase.STAFF)

    def forged(packed: bytes) -> str:
        return base64.urlsafe_b64encode(digest + packed).decode().rstrip("=")

    values = (
        st.none()
        | st.integers(-(2**63), 2**64 - 1)
        | st.text()
        | st.binary()
        | st.uuids().map(lambda value: value.bytes)
    )
    instants = st.datetimes(timezones=st.timezones() | st.none())
    anything = st.recursive(values | instants, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
    with requests.Session() as session:

        @settings(derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(
            st.text(min_size=1)
            | st.binary(min_size=1).map(forged)
            | (st.lists(values | instants, max_size=3) | anything).map(msgspec.msgpack.encode).map(forged)
        )
        def request(after: str) -> None:
            body = {**lists.arguments[name], "page": {"after": after}}
            response = session.post(f"{lists.endpoint.url}/rpc/{name}", json=body, headers=headers)
            assert response.status_code == 200 or is_refused(response.status_code, response.json()), response.text

        request()
