"""Settings, registration and sessions."""

import pytest

from tests.gateway.gateway_fixture import GatewayFixture
from tests.gateway.stubs.samples import USER

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


async def test_a_changed_account_leads_to_the_account(gateway: GatewayFixture) -> None:
    text = """mutation ($version: Int!) {
      changeUsername(input: {idempotencyKey: "1", version: $version, username: "Maija Meri"}) {
        ... on AccountChanged { version me { id emailVerified newEmail version } }
        ... on Conflict { current { id } fields { path yours now } }
      }
    }"""
    changed = await gateway.execute(text, gateway.user(), version=1)
    me = {"id": USER, "emailVerified": True, "newEmail": None, "version": 1}
    assert changed["data"]["changeUsername"] == {"version": 2, "me": me}
    stale = await gateway.execute(text, gateway.user(), version=0)
    fields = [{"path": ["input", "version"], "yours": 0, "now": 1}]
    assert stale["data"]["changeUsername"] == {"current": {"id": USER}, "fields": fields}


async def test_a_link_is_used_without_a_session_and_a_refusal_names_its_input(gateway: GatewayFixture) -> None:
    text = """mutation ($code: String!) {
      resetPassword(input: {token: $code, password: "correct horse battery"}) {
        ... on PasswordChanged { sessionsEnded }
        ... on Refusal { problems { code path message } }
      }
    }"""
    assert (await gateway.execute(text, code="right"))["data"]["resetPassword"] == {"sessionsEnded": 2}
    (problem,) = (await gateway.execute(text, code="used"))["data"]["resetPassword"]["problems"]
    message = "This link is not valid, or no longer. Get a new one."
    assert problem == {"code": "INVALID_LINK", "path": ["input", "token"], "message": message}


async def test_a_wrong_present_password_is_said_of_its_field(gateway: GatewayFixture) -> None:
    answer = await gateway.execute(
        """mutation { changePassword(input: {currentPassword: "wrong", newPassword: "correct horse battery"}) {
             ... on Refusal { problems { code path } }
           } }""",
        gateway.user(),
    )
    problems = [{"code": "WRONG_PASSWORD", "path": ["input", "currentPassword"]}]
    assert answer["data"]["changePassword"] == {"problems": problems}
