"""What is refused for a while says over HTTP for how long: ``Retry-After`` (RFC 9110, section 10.2.3)."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = """
    mutation ($message: String!) {
      sendContactForm(input: {idempotencyKey: "1", siteId: "site_1", topic: OTHER, message: $message}) { __typename }
    }
"""
SIGN_IN = 'mutation { signIn(input: {username: "%s", password: "wrong"}) { __typename } }'


async def test_a_refused_contact_form_says_when_the_next_is_taken(gateway: GatewayFixture) -> None:
    # The second comes with a head that is known.
    for _ in range(2):
        answer = await gateway.execute(FORM, gateway.user(), message="one too many")
        assert answer["data"] == {"sendContactForm": {"__typename": "Refusal"}}
        assert (answer["status"], answer["headers"]["Retry-After"]) == (200, "1234")


async def test_so_does_a_refused_sign_in(gateway: GatewayFixture) -> None:
    assert (await gateway.execute(SIGN_IN % "often"))["headers"]["Retry-After"] == "90"


async def test_of_several_the_longest_counts(gateway: GatewayFixture) -> None:
    both = """mutation {
      signIn(input: {username: "often", password: "wrong"}) { __typename }
      sendContactForm(input: {idempotencyKey: "1", siteId: "s", topic: OTHER, message: "one too many"}) { __typename }
      again: signIn(input: {username: "often", password: "wrong"}) { __typename }
    }"""
    assert (await gateway.execute(both, gateway.user()))["headers"]["Retry-After"] == "1234"


async def test_nothing_else_does(gateway: GatewayFixture) -> None:
    for query in (SIGN_IN % "maija", "{ me { id } }"):
        assert "Retry-After" not in (await gateway.execute(query, gateway.user()))["headers"]
    assert "Retry-After" not in (await gateway.execute(FORM, gateway.user(), message="Hei"))["headers"]
