"""Settings, registration and sessions."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture

pytestmark = pytest.mark.asyncio(loop_scope="module")

REGISTER = """
    mutation ($input: RegisterInput!) { register(input: $input) {
      __typename
      ... on Registered { userId accessRequested }
      ... on Refusal { problems { code path message retryable params } }
    } }
"""
REGISTRATION = {
    "customerNumber": "62-0000000-00",
    "invoiceNumber": "1962859",
    "username": "maija",
    "email": "maija@example.com",
    "password": "correct horse battery",
    "termsVersion": "2026-01",
}


async def test_an_anonymous_caller_registers(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(REGISTER, input=REGISTRATION | {"language": "SV"})
    assert answer["data"]["register"]["accessRequested"] is True
    (call,) = gateway.services.calls_to("register")
    assert call.arguments["command"].terms_version == "2026-01"


async def test_absent_members_of_an_input_are_absent_in_the_command(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(REGISTER, input={k: v for k, v in REGISTRATION.items() if k != "termsVersion"})
    (problem,) = answer["data"]["register"]["problems"]
    assert problem == {
        "code": "TERMS_REQUIRED",
        "path": ["input", "termsVersion"],
        "message": "Accept the terms of use (version 2026-01) to continue.",
        "retryable": False,
        "params": {"version": "2026-01"},
    }


async def test_a_stranger_reads_the_settings(gateway: GatewayFixture) -> None:
    text = "{ settings { timeZone currency pageLimit languages registration { termsVersion password { shortest } } } }"
    assert (await gateway.execute(text))["data"]["settings"] == {
        "timeZone": "Europe/Helsinki",
        "currency": "EUR",
        "pageLimit": 200,
        "languages": ["FI", "SV", "NB", "EN"],
        "registration": {"termsVersion": "2026-01", "password": {"shortest": 12}},
    }


async def test_signing_in_gives_a_token_that_works(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        'mutation { signIn(input: {username: "maija", password: "right"}) { ... on SignedIn { accessToken } } }'
    )
    token = answer["data"]["signIn"]["accessToken"]
    me = await gateway.execute("{ me { username language memberships { role organisation { id } } } }", token)
    assert me["data"]["me"]["username"] == "maija"
    assert me["data"]["me"]["language"] == "FI"


async def test_sessions_are_renewed_and_end(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation {
             on: refresh(input: {refreshToken: "next"}) { ... on SignedIn { refreshToken expiresIn } }
             used: refresh(input: {refreshToken: "used"}) { ... on Refusal { problems { code } } }
             signOut { ... on SignedOut { sessionEnded } }
           }""",
        gateway.user(),
    )
    assert answer["data"] == {
        "on": {"refreshToken": "next", "expiresIn": 600},
        "used": {"problems": [{"code": "SESSION_ENDED"}]},
        "signOut": {"sessionEnded": True},
    }
