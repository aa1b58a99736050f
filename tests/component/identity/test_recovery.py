"""Forgotten names and passwords (I4), and the wait after failed sign-ins (I6): by mail, with one answer for all."""

import asyncio

import pytest

from services.contracts.identity.accounts import AccountUnlocked, PasswordChanged, RecoveryRequested
from services.contracts.identity.events import SessionEnded
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Outcome
from tests.component.identity.actions import (
    PASSWORD,
    Harness,
    anonymous,
    codes,
    customers,
    expect,
    registered,
    sign_in,
    signed_in,
)
from tests.component.identity.mailbox import Mail, mails, new_mails, run_recoveries, verify

NEW_PASSWORD = "kolme kuivaa tumppua"


@pytest.fixture
async def mirja(harness: Harness) -> str:
    """Register Mirja, with a verified address."""
    await customers(harness)
    user_id = await registered(harness, username="Mirja Meri")
    await verify(harness, user_id)
    await new_mails(harness)
    return user_id


async def request_reset(harness: Harness, account: str = "mirja meri", address: str = "192.0.2.1") -> Outcome:
    return await harness.api(anonymous(address)).request_password_reset(account)


async def reset_mail(harness: Harness) -> Mail:
    assert await request_reset(harness) == RecoveryRequested()
    (mail,) = await new_mails(harness)
    return mail


async def reset(harness: Harness, code: str, password: str = NEW_PASSWORD) -> Outcome:
    return await harness.api(anonymous()).reset_password(code, password)


async def test_a_forgotten_password_is_replaced_by_a_link_which_ends_all_sessions(harness: Harness, mirja: str) -> None:
    sessions = [await signed_in(harness, "mirja meri") for _ in range(2)]
    mail = await reset_mail(harness)
    assert (mail.recipient, mail.subject) == ("mirja@example.com", "Valitse uusi salasana")
    assert "Mirja Meri" in mail.text

    assert await reset(harness, mail.code) == PasswordChanged(sessions_ended=2)
    assert len(await harness.emitted_events(SessionEnded)) == 2
    for session in sessions:
        assert codes(await harness.api(anonymous()).refresh(session.refresh_token)) == [("SESSION_ENDED", "")]
    assert codes(await sign_in(harness, "mirja meri")) == [("SIGN_IN_FAILED", "")]
    expect(SignedIn, await sign_in(harness, "mirja meri", NEW_PASSWORD))
    (told,) = await mails(harness)
    assert (told.recipient, told.subject) == ("mirja@example.com", "Salasanasi on vaihtunut")
    assert "Päätettyjä istuntoja: 2" in told.text
    assert codes(await reset(harness, mail.code)) == [("INVALID_LINK", "token")]


async def test_a_link_is_valid_for_half_an_hour(harness: Harness, mirja: str) -> None:
    mail = await reset_mail(harness)
    harness.clock.move(minutes=30)
    assert codes(await reset(harness, mail.code)) == [("INVALID_LINK", "token")]


async def test_a_link_that_is_used_while_the_password_is_hashed_is_used_once(
    harness: Harness, mirja: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = await reset_mail(harness)
    passwords = type(harness.bind_api(anonymous())._dependencies.passwords)  # type: ignore[attr-defined]
    original = passwords.hash

    async def hash_and_use(self: object, password: str) -> str:
        await harness.pool.execute("UPDATE links SET used_at = now()")
        return str(await original(self, password))

    monkeypatch.setattr(passwords, "hash", hash_and_use)
    assert codes(await reset(harness, mail.code)) == [("INVALID_LINK", "token")]


async def test_of_many_uses_of_a_link_at_once_one_is_right(harness: Harness, mirja: str) -> None:
    mail = await reset_mail(harness)
    answers = await asyncio.gather(*(reset(harness, mail.code, f"{NEW_PASSWORD} {number}") for number in range(4)))
    assert [type(answer).__name__ for answer in answers].count("PasswordChanged") == 1
    assert len(await mails(harness)) == 1


async def test_a_weak_password_does_not_use_the_link_up(harness: Harness, mirja: str) -> None:
    mail = await reset_mail(harness)
    for weak in ("short", "my name is mirja meri"):
        assert codes(await reset(harness, mail.code, weak)) == [("WEAK_PASSWORD", "password")]
    expect(PasswordChanged, await reset(harness, mail.code))


async def test_a_link_for_another_purpose_is_no_link_to_a_password(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    (mail,) = await mails(harness)
    assert codes(await reset(harness, mail.code)) == [("INVALID_LINK", "token")]
    assert codes(await harness.api(anonymous()).unlock(mail.code)) == [("INVALID_LINK", "token")]


async def test_a_reset_verifies_the_address_to_which_its_link_was_sent(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    await new_mails(harness)
    assert await request_reset(harness, "MIRJA@example.com") == RecoveryRequested()
    (mail,) = await new_mails(harness)
    expect(PasswordChanged, await reset(harness, mail.code))
    assert await harness.pool.fetchval("SELECT email_verified_at FROM users") == harness.clock.now()
    assert [told.subject for told in await mails(harness)] == ["Salasanasi on vaihtunut"]


async def test_each_account_of_an_address_gets_its_own_link(harness: Harness, mirja: str) -> None:
    await verify(harness, await registered(harness, username="Toinen Tunnus"))
    await new_mails(harness)
    await request_reset(harness, "mirja@EXAMPLE.com")
    sent = await mails(harness)
    assert len({mail.code for mail in sent}) == 2
    assert [name for name in ("Mirja Meri", "Toinen Tunnus") if any(name in mail.text for mail in sent)] == [
        "Mirja Meri",
        "Toinen Tunnus",
    ]


async def test_usernames_are_sent_to_their_address(harness: Harness, mirja: str) -> None:
    await verify(harness, await registered(harness, username="Toinen Tunnus"))
    await new_mails(harness)
    assert await harness.api(anonymous()).request_username(" Mirja@example.com ") == RecoveryRequested()
    (mail,) = await mails(harness)
    assert (mail.recipient, mail.subject) == ("mirja@example.com", "Käyttäjätunnuksesi")
    assert "Käyttäjätunnus: Mirja Meri\nKäyttäjätunnus: Toinen Tunnus\n" in mail.text


async def test_an_address_that_is_not_verified_gets_the_link_that_verifies_it(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    await new_mails(harness)
    assert await harness.api(anonymous()).request_username("mirja@example.com") == RecoveryRequested()
    (mail,) = await mails(harness)
    assert mail.subject == "Vahvista sähköpostiosoitteesi"
    assert "mirja@example.com" in mail.text


@pytest.mark.parametrize("operation", ["request_username", "request_password_reset"])
async def test_an_unknown_account_has_the_same_answer_after_the_same_work(
    harness: Harness, mirja: str, operation: str
) -> None:
    api = harness.api(anonymous())
    answers = []
    for account in ("mirja@example.com", "nobody@example.com"):
        answers.append(await getattr(api, operation)(account))
        jobs = await harness.pool.fetchval(
            "SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = 'send-recovery-mails'"
        )
        assert jobs == len(answers)
    assert answers == [RecoveryRequested(), RecoveryRequested()]
    assert len(await mails(harness)) == 1


async def test_a_malformed_address_is_refused(harness: Harness) -> None:
    assert codes(await harness.api(anonymous()).request_username("mirja")) == [("MALFORMED", "email")]


@pytest.mark.parametrize("account", ["mirja meri", "nobody"])
async def test_requests_for_an_account_are_limited_known_or_not(harness: Harness, mirja: str, account: str) -> None:
    for number in range(5):
        assert await request_reset(harness, account, f"192.0.2.{number}") == RecoveryRequested()
    assert codes(await request_reset(harness, account)) == [("TOO_MANY_ATTEMPTS", "")]
    assert await request_reset(harness, "another") == RecoveryRequested()
    harness.clock.move(hours=1)
    assert await request_reset(harness, account) == RecoveryRequested()


async def test_requests_from_an_address_are_limited(harness: Harness) -> None:
    for number in range(50):
        assert await request_reset(harness, f"nobody {number}") == RecoveryRequested()
    assert codes(await request_reset(harness, "somebody")) == [("TOO_MANY_ATTEMPTS", "")]
    assert codes(await harness.api(anonymous()).request_username("a@example.com")) == [("TOO_MANY_ATTEMPTS", "")]


async def test_a_job_that_runs_twice_sends_one_mail_whose_link_is_valid(harness: Harness, mirja: str) -> None:
    await request_reset(harness)
    await harness.api(anonymous()).request_username("mirja@example.com")
    await run_recoveries(harness, times=2)
    sent = {mail.subject: mail for mail in await mails(harness)}
    assert len(await mails(harness)) == len(sent) == 2
    expect(PasswordChanged, await reset(harness, sent["Valitse uusi salasana"].code))


async def test_inactive_users_get_nothing(harness: Harness, mirja: str) -> None:
    await request_reset(harness)
    await harness.pool.execute("UPDATE users SET active = false")
    assert await mails(harness) == []
    await request_reset(harness)
    assert await mails(harness) == []


async def fail(harness: Harness, times: int, username: str = "mirja meri") -> list[str]:
    answers = [await sign_in(harness, username, "wrong") for _ in range(times)]
    return [codes(answer)[0][0] for answer in answers]


async def test_the_owner_is_told_of_many_failed_sign_ins_once_and_ends_the_wait(harness: Harness, mirja: str) -> None:
    assert await fail(harness, 9) == ["SIGN_IN_FAILED"] * 9
    assert await mails(harness) == []
    assert await fail(harness, 4) == ["SIGN_IN_FAILED", *["TOO_MANY_ATTEMPTS"] * 3]
    (mail,) = await mails(harness)
    assert (mail.recipient, mail.subject) == ("mirja@example.com", "Monta epäonnistunutta kirjautumista")
    assert codes(await sign_in(harness, "mirja meri", PASSWORD)) == [("TOO_MANY_ATTEMPTS", "")]

    assert await harness.api(anonymous()).unlock(mail.code) == AccountUnlocked()
    expect(SignedIn, await sign_in(harness, "mirja meri", PASSWORD))
    assert codes(await harness.api(anonymous()).unlock(mail.code)) == [("INVALID_LINK", "token")]


async def test_failed_sign_ins_to_no_account_do_the_same_work(harness: Harness, mirja: str) -> None:
    await fail(harness, 10, "nobody")
    assert (
        await harness.pool.fetchval("SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = 'send-recovery-mails'")
        == 1
    )
    assert await mails(harness) == []


async def test_an_address_that_is_not_verified_is_not_told_of_failed_sign_ins(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    await new_mails(harness)
    await fail(harness, 10, "mirja@example.com")
    assert await mails(harness) == []
