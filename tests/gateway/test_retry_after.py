"""What is refused for a while says over HTTP for how long: ``Retry-After`` (RFC 9110, section 10.2.3)."""

import pytest

from tests.gateway.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = """
    mutation ($message: String!) {
      sendContactForm(input: {idempotencyKey: "1", siteId: "site_1", topic: OTHER, message: $message}) { __typename }
    }
"""
SIGN_IN = 'mutation { signIn(input: {username: "%s", password: "wrong"}) { __typename } }'


async def test_a_refused_contact_form_says_when_the_next_is_taken(house: House) -> None:
    # The second comes with a head that is known.
    for _ in range(2):
        answer = await house.ask(FORM, house.user(), message="one too many")
        assert answer["data"] == {"sendContactForm": {"__typename": "Refusal"}}
        assert (answer["status"], answer["headers"]["Retry-After"]) == (200, "1234")


async def test_so_does_a_refused_sign_in(house: House) -> None:
    assert (await house.ask(SIGN_IN % "often"))["headers"]["Retry-After"] == "90"


async def test_of_several_the_longest_counts(house: House) -> None:
    both = """mutation {
      signIn(input: {username: "often", password: "wrong"}) { __typename }
      sendContactForm(input: {idempotencyKey: "1", siteId: "s", topic: OTHER, message: "one too many"}) { __typename }
      again: signIn(input: {username: "often", password: "wrong"}) { __typename }
    }"""
    assert (await house.ask(both, house.user()))["headers"]["Retry-After"] == "1234"


async def test_nothing_else_does(house: House) -> None:
    for query in (SIGN_IN % "maija", "{ me { id } }"):
        assert "Retry-After" not in (await house.ask(query, house.user()))["headers"]
    assert "Retry-After" not in (await house.ask(FORM, house.user(), message="Hei"))["headers"]
