"""``Retry-After`` of temporary refusals over HTTP (RFC 9110, section 10.2.3)."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = """
    mutation ($message: String!) {
      sendContactForm(input: {idempotencyKey: "1", siteId: "site_1", topic: OTHER, message: $message}) { __typename }
    }
"""
SIGN_IN = 'mutation { signIn(input: {username: "%s", password: "wrong"}) { __typename } }'


async def test_a_refused_contact_form_has_retry_after(gateway: GatewayFixture) -> None:
    # The second request has a cached head.
    for _ in range(2):
        answer = await gateway.execute(FORM, gateway.user(), message="one too many")
        assert answer["data"] == {"sendContactForm": {"__typename": "Refusal"}}
        assert (answer["status"], answer["headers"]["Retry-After"]) == (200, "1234")


async def test_a_refused_sign_in_has_it_too(gateway: GatewayFixture) -> None:
    assert (await gateway.execute(SIGN_IN % "often"))["headers"]["Retry-After"] == "90"


async def test_the_longest_of_several_is_used(gateway: GatewayFixture) -> None:
    both = """mutation {
      signIn(input: {username: "often", password: "wrong"}) { __typename }
      sendContactForm(input: {idempotencyKey: "1", siteId: "s", topic: OTHER, message: "one too many"}) { __typename }
      again: signIn(input: {username: "often", password: "wrong"}) { __typename }
    }"""
    assert (await gateway.execute(both, gateway.user()))["headers"]["Retry-After"] == "1234"


async def test_other_responses_have_none(gateway: GatewayFixture) -> None:
    for query in (SIGN_IN % "maija", "{ me { id } }"):
        assert "Retry-After" not in (await gateway.execute(query, gateway.user()))["headers"]
    assert "Retry-After" not in (await gateway.execute(FORM, gateway.user(), message="Hei"))["headers"]
