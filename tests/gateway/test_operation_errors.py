"""Errors of operations, and the part of the result that they leave."""

import pytest

from gateway import messages
from services.contracts.identity.people import Language
from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_refusal_of_one_site_affects_only_that_site(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 2) { edges { node { calendar(since: "2026-03-02", until: "2026-03-03") {
             __typename ... on Refusal { problems { code path message } } } } } } }""",
        gateway.user(),
    )
    assert [edge["node"]["calendar"] for edge in answer["data"]["sites"]["edges"]] == [
        {"__typename": "Calendar"},
        {
            "__typename": "Refusal",
            "problems": [{"code": "NOT_FOUND", "path": [], "message": messages.text("NOT_FOUND", Language.EN)}],
        },
    ]


async def test_a_malformed_argument_of_a_query_is_an_error(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """{ sites(first: 1) { edges { node { calendar(since: "2026-03-02", until: "2026-03-01") { __typename } } } }
             me { username } }""",
        gateway.user(),
    )
    assert answer["data"] == {"sites": {"edges": [{"node": {"calendar": None}}]}, "me": {"username": "maija"}}
    (error,) = answer["errors"]
    params = {"reason": "EARLIEST", "earliest": "2026-03-02"}
    assert error["extensions"] == {"code": "MALFORMED", "path": ["until"], "params": params}
    assert error["message"] == "The earliest possible day is 2 Mar 2026."


async def test_the_unexpected_is_masked_with_a_trace_id(gateway: GatewayFixture) -> None:
    query = '{ sites(filter: {search: "broken"}) { totalCount } me { username } }'
    answer = await gateway.execute(query, gateway.user())
    assert answer["data"] == {"sites": None, "me": {"username": "maija"}}
    (error,) = answer["errors"]
    trace_id = answer["headers"]["X-Trace-Id"]
    assert error["message"] == f"Something unexpected happened. Tell us this number: {trace_id}."
    assert error["extensions"] == {"code": "UNEXPECTED", "traceId": trace_id}
    assert "inside" not in str(answer)


async def test_an_operation_without_permission_is_forbidden(gateway: GatewayFixture) -> None:
    answer = await gateway.execute('{ sites(filter: {search: "forbidden"}) { totalCount } }', gateway.partner(), "sv")
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    assert error["message"] == "Du har inte behörighet att göra detta."


async def test_an_anonymous_caller_may_execute_public_operations_only(gateway: GatewayFixture) -> None:
    answer = await gateway.execute("{ sites { totalCount } me { id } }")
    assert answer["status"] == 200
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"] * 2
    assert answer["data"] == {"sites": None, "me": None}


@pytest.mark.parametrize("query", ["{ sites {", "{ nothing }", "query ($id: ID!) { node(id: $id) { id } }"])
async def test_an_invalid_operation_has_errors_with_locations(gateway: GatewayFixture, query: str) -> None:
    answer = await gateway.execute(query, gateway.user())
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_OPERATION"]
    assert "unexpected" not in answer["errors"][0]["message"]
