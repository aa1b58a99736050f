"""Test of I4 to I6 end to end: someone who forgot everything gets back in by mail, and then changes everything.

The gateway is the only way in, and the mailbox the only place where codes are read.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.stack import RunningStack

REGISTRATION = {
    "customerNumber": "62-0000100-00",
    "invoiceNumber": "1962901",
    "username": "Eino Erkki",
    "email": "eino@example.fi",
    "password": "suon laidalla seisoo",
    "termsVersion": "2026-01",
    "language": "FI",
}
NEW = "hetteen reunalla istuu"
CODE = re.compile(r"^(?:Koodi|Kod):\r?\n(\S+)", re.MULTILINE)
REFUSAL = "... on Refusal { problems { code path } }"


@pytest.fixture
async def eino(demonstration: RunningStack) -> AsyncIterator[GatewayClient]:
    async with GatewayClient(demonstration.gateway) as client:
        yield client


async def mutate(client: GatewayClient, name: str, fields: str = "", **values: object) -> dict[str, Any]:
    """Execute a mutation of an account and return its result."""
    kind = f"{name[0].upper()}{name[1:]}"
    document = f"mutation ($input: {kind}Input!) {{ {name}(input: $input) {{ __typename {fields} {REFUSAL} }} }}"
    result: dict[str, Any] = await client.execute(document, input=values)
    return result


def codes(result: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in result.get("problems", [])]


async def mail_to(stack: RunningStack, recipient: str, subject: str) -> str:
    """Return the text of the newest mail with this subject, once it is there."""

    async def found() -> list[str]:
        received = await asyncio.to_thread(stack.mails, recipient)
        return [str(mail["text"]) for mail in received if mail["subject"] == subject]

    return (await until(found))[0]


async def code_to(stack: RunningStack, recipient: str, subject: str) -> str:
    text = await mail_to(stack, recipient, subject)
    code = CODE.search(text)
    assert code is not None, text
    return code[1]


async def account(client: GatewayClient) -> dict[str, Any]:
    me: dict[str, Any] = await client.execute("{ me { version username email emailVerified newEmail language } }")
    return me


async def test_everything_forgotten_and_everything_changed(demonstration: RunningStack, eino: GatewayClient) -> None:
    stack, email = demonstration, REGISTRATION["email"]

    # 1. The address is verified by the link that registration sends.
    registered = await mutate(eino, "register", **REGISTRATION)
    assert registered["__typename"] == "Registered", registered
    code = await code_to(stack, email, "Vahvista sähköpostiosoitteesi")
    assert (await mutate(eino, "verifyEmail", token=code))["__typename"] == "EmailVerified"
    assert codes(await mutate(eino, "verifyEmail", token=code)) == ["INVALID_LINK"]

    # 2. Username and password are forgotten. Strangers learn nothing from the answers.
    for operation, known, unknown in (
        ("requestUsername", {"email": email}, {"email": "kukaan@example.fi"}),
        ("requestPasswordReset", {"account": "eino erkki"}, {"account": "ei kukaan"}),
    ):
        assert await mutate(eino, operation, **known) == await mutate(eino, operation, **unknown)
    assert "Eino Erkki" in await mail_to(stack, email, "Käyttäjätunnuksesi")
    code = await code_to(stack, email, "Valitse uusi salasana")
    await eino.sign_in("eino erkki", REGISTRATION["password"])
    stolen = eino.refresh_token

    # 3. The new password ends the session of whoever had the old one.
    weak = await mutate(eino, "resetPassword", token=code, password="eino erkki on hyvä")
    assert codes(weak) == ["WEAK_PASSWORD"]
    reset = await mutate(eino, "resetPassword", "... on PasswordChanged { sessionsEnded }", token=code, password=NEW)
    assert reset["sessionsEnded"] == 1
    refreshed = await mutate(eino, "refresh", refreshToken=stolen)
    assert codes(refreshed) == ["SESSION_ENDED"]
    assert "Päätettyjä istuntoja: 1" in await mail_to(stack, email, "Salasanasi on vaihtunut")

    # 4. Ten wrong tries: from a new device one has to wait, unless the owner unlocks by mail.
    eino.token = ""
    for _ in range(10):
        assert codes(await mutate(eino, "signIn", username="eino erkki", password="väärä")) == ["SIGN_IN_FAILED"]
    right = {"username": "eino erkki", "password": NEW}
    assert codes(await mutate(eino, "signIn", **right)) == ["TOO_MANY_ATTEMPTS"]
    code = await code_to(stack, email, "Monta epäonnistunutta kirjautumista")
    assert (await mutate(eino, "unlock", token=code))["__typename"] == "AccountUnlocked"
    await eino.sign_in("eino erkki", NEW)

    # 5. Signed in, everything is changed, each change once.
    version = (await account(eino))["version"]
    rename = {"idempotencyKey": "rename", "version": version, "username": "Erkki Eino"}
    changed = await mutate(eino, "changeUsername", "... on AccountChanged { version me { username } }", **rename)
    assert changed == {"__typename": "AccountChanged", "version": version + 1, "me": {"username": "Erkki Eino"}}
    stale = await mutate(eino, "changeLanguage", idempotencyKey="sv", version=version, language="SV")
    assert stale["__typename"] == "Conflict"
    await mutate(eino, "changeLanguage", idempotencyKey="sv", version=version + 1, language="SV")
    await mail_to(stack, email, "Ditt språk har ändrats")

    new_email = "erkki@example.fi"
    await mutate(eino, "changeEmail", idempotencyKey="move", version=version + 2, email=new_email)
    assert (await account(eino))["newEmail"] == new_email
    fields = "... on EmailChangeConfirmed { changed }"
    for recipient, subject, is_last in (
        (new_email, "Bekräfta din nya e-postadress", False),
        (email, "Din e-postadress ska ändras", True),
    ):
        code = await code_to(stack, recipient, subject)
        assert (await mutate(eino, "confirmEmailChange", fields, token=code))["changed"] is is_last
    await mail_to(stack, email, "Din e-postadress har ändrats")
    await mail_to(stack, new_email, "Din e-postadress har ändrats")

    passwords = {"currentPassword": NEW, "newPassword": f"{NEW} yhä"}
    assert (await mutate(eino, "changePassword", **passwords))["__typename"] == "PasswordChanged"
    await mail_to(stack, new_email, "Ditt lösenord har ändrats")
    assert await account(eino) == {
        "version": version + 5,
        "username": "Erkki Eino",
        "email": new_email,
        "emailVerified": True,
        "newEmail": None,
        "language": "SV",
    }
    await eino.sign_in("erkki eino", f"{NEW} yhä")
