"""A user's address is verified by a link before any other mail goes there (I6)."""

import msgspec
import pytest

from services.access.caller import Caller
from services.contracts.identity.accounts import EmailVerified, ResendVerification, VerificationSent
from services.contracts.identity.people import Me
from services.identity.store.retention import delete_expired
from tests.component.identity.actions import (
    Harness,
    anonymous,
    caller_of,
    codes,
    customers,
    expect,
    register,
    registered,
    service,
    signed_in,
)
from tests.component.identity.mailbox import Mail, mails, new_mails


@pytest.fixture
async def mirja(harness: Harness) -> Caller:
    """Register Mirja and sign in."""
    await customers(harness)
    await registered(harness)
    return await caller_of(harness, (await signed_in(harness)).access_token)


async def account(harness: Harness, caller: Caller) -> Me:
    me = await harness.api(caller).me()
    assert me is not None
    return me


async def address_for_support(harness: Harness, caller: Caller) -> str | None:
    (contact,) = await harness.api(service()).contacts([caller.subject_id])
    assert contact is not None
    return contact.email


async def resend(harness: Harness, caller: Caller, key: str = "one") -> Mail:
    expect(VerificationSent, await harness.api(caller).resend_verification(ResendVerification(idempotency_key=key)))
    return (await mails(harness))[-1]


async def test_registration_sends_a_link_that_verifies_the_address_once(harness: Harness, mirja: Caller) -> None:
    (mail,) = await mails(harness)
    assert (mail.recipient, mail.subject) == ("mirja@example.com", "Vahvista sähköpostiosoitteesi")
    before = await account(harness, mirja)
    assert (before.email_verified, await address_for_support(harness, mirja)) == (False, None)

    answer = await harness.api(anonymous()).verify_email(mail.code)
    assert answer == EmailVerified(email="mirja@example.com")
    after = await account(harness, mirja)
    assert (after.email_verified, after.version) == (True, before.version + 1)
    assert await address_for_support(harness, mirja) == "mirja@example.com"
    assert codes(await harness.api(anonymous()).verify_email(mail.code)) == [("INVALID_LINK", "token")]
    assert len(await mails(harness)) == 1


async def test_a_refused_registration_sends_nothing(harness: Harness, mirja: Caller) -> None:
    await new_mails(harness)
    assert codes(await register(harness)) == [("USERNAME_TAKEN", "username")]
    assert codes(await register(harness, invoice_number="1000000")) == [("CUSTOMER_NOT_RECOGNISED", "")]
    assert await mails(harness) == []


async def test_a_link_is_valid_for_a_day(harness: Harness, mirja: Caller) -> None:
    (mail,) = await mails(harness)
    harness.clock.move(hours=24)
    assert codes(await harness.api(anonymous()).verify_email(mail.code)) == [("INVALID_LINK", "token")]
    await delete_expired(harness.pool, harness.clock.now())
    assert await harness.pool.fetchval("SELECT count(*) FROM links") == 0


async def test_a_link_is_not_stored(harness: Harness, mirja: Caller) -> None:
    (mail,) = await mails(harness)
    (row,) = await harness.pool.fetch("SELECT * FROM links")
    assert mail.code not in str(dict(row))
    assert await harness.pool.fetchval("SELECT confidential FROM chassis.mail")


async def test_a_later_link_ends_the_earlier(harness: Harness, mirja: Caller) -> None:
    (first,) = await mails(harness)
    second = await resend(harness, mirja)
    assert second.code not in ("", first.code)
    assert codes(await harness.api(anonymous()).verify_email(first.code)) == [("INVALID_LINK", "token")]
    expect(EmailVerified, await harness.api(anonymous()).verify_email(second.code))


async def test_a_repetition_sends_no_other_link(harness: Harness, mirja: Caller) -> None:
    sent = await resend(harness, mirja)
    assert await resend(harness, mirja) == sent
    assert len(await mails(harness)) == 2


async def test_resending_is_limited(harness: Harness, mirja: Caller) -> None:
    for number in range(5):
        await resend(harness, mirja, key=f"{number}")
    again = ResendVerification(idempotency_key="6")
    assert codes(await harness.api(mirja).resend_verification(again)) == [("TOO_MANY_ATTEMPTS", "")]
    harness.clock.move(hours=1)
    expect(VerificationSent, await harness.api(mirja).resend_verification(again))


async def test_a_verified_address_gets_no_other_link(harness: Harness, mirja: Caller) -> None:
    (mail,) = await mails(harness)
    await harness.api(anonymous()).verify_email(mail.code)
    again = ResendVerification(idempotency_key="one")
    assert codes(await harness.api(mirja).resend_verification(again)) == [("ALREADY_VERIFIED", "")]


async def test_a_link_of_an_inactive_user_is_worth_nothing(harness: Harness, mirja: Caller) -> None:
    (mail,) = await mails(harness)
    await harness.pool.execute("UPDATE users SET active = false")
    assert codes(await harness.api(anonymous()).verify_email(mail.code)) == [("INVALID_LINK", "token")]


async def test_a_user_who_is_gone_gets_nothing(harness: Harness, mirja: Caller) -> None:
    command = ResendVerification(idempotency_key="one")
    await resend(harness, mirja)
    await harness.pool.execute("DELETE FROM users")
    assert codes(await harness.api(mirja).resend_verification(command)) == [("NOT_FOUND", "idempotencyKey")]
    another = msgspec.structs.replace(command, idempotency_key="two")
    assert codes(await harness.api(mirja).resend_verification(another)) == [("NOT_FOUND", "")]
