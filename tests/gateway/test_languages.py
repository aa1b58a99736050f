"""The language of messages: the user's own, unless ``Accept-Language`` names one of ours."""

import pytest

from gateway import messages
from services.contracts.identity.people import Language
from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG_SIGN_IN = """
    mutation { signIn(input: {username: "maija", password: "wrong"}) { ... on Refusal { problems { message } } } }
"""


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fi", "Käyttäjätunnus tai salasana on väärä."),
        ("sv-FI,en;q=0.5", "Användarnamnet eller lösenordet är fel."),
        ("no", "Brukernavnet eller passordet er feil."),
        ("nn", "Brukernavnet eller passordet er feil."),
        ("fi;q=0.2, en;q=0.9, sv;q=0.5", "The username or the password is wrong."),
        ("en-GB", "The username or the password is wrong."),
        ("de", "Käyttäjätunnus tai salasana on väärä."),
    ],
)
async def test_a_refusal_is_in_the_callers_language(gateway: GatewayFixture, language: str, text: str) -> None:
    answer = await gateway.execute(WRONG_SIGN_IN, language=language)
    assert answer["data"]["signIn"]["problems"] == [{"message": text}]


@pytest.mark.parametrize(("accepted", "language"), [("de", "sv"), ("*", "sv"), ("de, nb;q=0.1", "nb")])
async def test_without_a_supported_language_the_tokens_is_used(
    gateway: GatewayFixture, accepted: str, language: str
) -> None:
    token = gateway.user(locale="sv")
    answer = await gateway.execute(WRONG_SIGN_IN, token, accepted)
    text = messages.text("SIGN_IN_FAILED", Language(language))
    assert answer["data"]["signIn"]["problems"] == [{"message": text}]
    (call,) = gateway.services.calls
    assert call.headers["accept-language"] == language


@pytest.mark.parametrize(("accepted", "language"), [("de", "sv"), ("", "sv"), ("de, nb;q=0.1", "nb"), ("en-GB", "en")])
async def test_a_socket_uses_the_tokens_language_unless_a_supported_one_is_named(
    gateway: GatewayFixture, accepted: str, language: str
) -> None:
    headers = {"Accept-Language": accepted} if accepted else {}
    async with gateway.socket(gateway.user(locale="sv"), **headers) as socket:
        await socket.subscribe()
        assert (await socket.next_errors())[0]["message"] == messages.text("UNAUTHENTICATED", Language(language))


async def test_request_errors_are_in_the_tokens_language(gateway: GatewayFixture) -> None:
    token = gateway.user(locale="sv")
    await gateway.execute("{ me { id } }", token, "de")
    answer = await gateway.execute("query a { me { id } } query b { me { id } }", token, "de")
    assert [error["message"] for error in answer["errors"]] == [messages.text("UNKNOWN_OPERATION", Language.SV)]
    async with gateway.session.post(
        f"{gateway.url}/files/sites/import-sites",
        data=b"a",
        headers={"Authorization": f"Bearer {token}", "Accept-Language": "de", "Content-Type": "text/csv"},
    ) as response:
        refused = await response.json()
    assert [error["message"] for error in refused["errors"]] == [messages.text("FORBIDDEN", Language.SV)]


async def test_calls_carry_language_and_address(gateway: GatewayFixture) -> None:
    await gateway.execute("{ me { id } }", gateway.user(), "nb")
    (call,) = gateway.services.calls
    assert call.headers["accept-language"] == "nb"
    assert call.headers["x-forwarded-for"] == "127.0.0.1"
