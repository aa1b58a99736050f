"""I5: a user changes username, address, password and language, and is told of each."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.chassis.ids import read_id
from services.contracts.identity.accounts import (
    AccountChanged,
    ApproveEmailChange,
    ChangeEmail,
    ChangeLanguage,
    ChangeUsername,
    EmailChangeConfirmed,
    EmailChangeWithdrawn,
    PasswordChanged,
)
from services.contracts.identity.people import Language, Me
from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Conflict, Outcome
from services.identity.hashing.argon2 import Argon2Passwords
from services.identity.store.retention import delete_expired
from tests.component.identity.actions import (
    PASSWORD,
    Harness,
    anonymous,
    caller_of,
    codes,
    customers,
    expect,
    register,
    registered,
    sign_in,
    signed_in,
    staff,
)
from tests.component.identity.mailbox import Mail, mails, new_mails, verify

NEW_PASSWORD = "kolme kuivaa tumppua"
NEW_EMAIL = "uusi@example.com"


@pytest.fixture
async def mirja(harness: Harness) -> Caller:
    """Register Mirja with a verified address, and sign in."""
    await customers(harness)
    await verify(harness, await registered(harness))
    await new_mails(harness)
    return await caller_of(harness, (await signed_in(harness)).access_token)


async def account(harness: Harness, caller: Caller) -> Me:
    me = await harness.api(caller).me()
    assert me is not None
    return me


async def rename(harness: Harness, caller: Caller, username: str, version: int = 1, key: str = "one") -> Outcome:
    command = ChangeUsername(idempotency_key=key, version=version, username=username)
    return await harness.api(caller).change_username(command)


async def move(harness: Harness, caller: Caller, email: str = NEW_EMAIL, version: int = 1, key: str = "m") -> Outcome:
    return await harness.api(caller).change_email(ChangeEmail(idempotency_key=key, version=version, email=email))


async def confirm(harness: Harness, mail: Mail) -> Outcome:
    return await harness.api(anonymous()).confirm_email_change(mail.code)


async def withdraw(harness: Harness, mail: Mail) -> Outcome:
    return await harness.api(anonymous()).withdraw_email_change(mail.code)


async def change_password(
    harness: Harness, caller: Caller, current: str = PASSWORD, new: str = NEW_PASSWORD
) -> Outcome:
    return await harness.api(caller).change_password(current, new)


async def moving(harness: Harness, mirja: Caller) -> tuple[Mail, Mail]:
    """Begin a change of address, and return the mails to the new and to the old one."""
    expect(AccountChanged, await move(harness, mirja))
    to_new, to_old = await new_mails(harness)
    return to_new, to_old


async def test_a_user_is_renamed_and_told(harness: Harness, mirja: Caller) -> None:
    assert await rename(harness, mirja, "  Mirja   Meri ") == AccountChanged(version=2)
    (mail,) = await mails(harness)
    assert (mail.recipient, mail.subject) == ("mirja@example.com", "Käyttäjätunnuksesi on vaihtunut")
    assert "Mirja Meri" in mail.text
    expect(SignedIn, await sign_in(harness, "mirja meri"))
    assert codes(await sign_in(harness)) == [("SIGN_IN_FAILED", "")]


async def test_a_repetition_is_the_same_change(harness: Harness, mirja: Caller) -> None:
    assert await rename(harness, mirja, "Mirja Meri") == await rename(harness, mirja, "Mirja Meri")
    assert len(await mails(harness)) == 1
    await harness.pool.execute("DELETE FROM users")
    assert codes(await rename(harness, mirja, "Mirja Meri")) == [("NOT_FOUND", "idempotencyKey")]
    assert codes(await rename(harness, mirja, "Mirja Meri", key="two")) == [("NOT_FOUND", "")]


async def test_a_change_of_what_has_changed_since_is_a_conflict(harness: Harness, mirja: Caller) -> None:
    await rename(harness, mirja, "Mirja Meri")
    answer = expect(Conflict, await rename(harness, mirja, "Mirja Salo", key="two"))
    assert answer.thing_id == mirja.subject_id
    assert [(one.yours, one.now) for one in answer.fields] == [(1, 2)]
    assert (await account(harness, mirja)).username == "Mirja Meri"


@pytest.mark.parametrize(
    "taken",
    ["Naapuri", "NAAPURI", "naapurl 1", "\u0440\u0430\u0443\u0440\u0430"],
    ids=["same", "case", "digit", "script"],
)
async def test_a_name_that_another_has_or_that_looks_alike_is_refused(
    harness: Harness, mirja: Caller, taken: str
) -> None:
    for username in ("Naapuri", "naapur1 l", "paypa"):
        await registered(harness, username=username)
    await new_mails(harness)
    assert codes(await rename(harness, mirja, taken)) == [("USERNAME_TAKEN", "username")]
    assert codes(await register(harness, username=taken)) == [("USERNAME_TAKEN", "username")]
    assert await mails(harness) == []
    assert (await account(harness, mirja)).version == 1


async def test_a_name_is_checked_as_at_registration(harness: Harness, mirja: Caller) -> None:
    assert codes(await rename(harness, mirja, "m")) == [("MALFORMED", "username")]
    assert codes(await rename(harness, mirja, "st\u0430ff")) == [("MALFORMED", "username")]


async def test_a_name_that_looked_like_anothers_before_that_was_refused_stays(harness: Harness, mirja: Caller) -> None:
    await registered(harness, username="paypa")
    # As the migration leaves the later of two such names.
    await harness.pool.execute(
        "UPDATE users SET username = $2, username_key = $2, look_alike_key = NULL WHERE id = $1",
        read_id("user", mirja.subject_id),
        "\u0440\u0430\u0443\u0440\u0430",
    )
    expect(PasswordChanged, await change_password(harness, mirja))
    expect(SignedIn, await sign_in(harness, "\u0440\u0430\u0443\u0440\u0430", NEW_PASSWORD))
    expect(SignedIn, await sign_in(harness, "paypa"))
    assert codes(await rename(harness, mirja, "paypa", version=2)) == [("USERNAME_TAKEN", "username")]
    expect(AccountChanged, await rename(harness, mirja, "mirja", version=2, key="two"))


async def test_ones_own_name_in_another_case_is_no_others(harness: Harness, mirja: Caller) -> None:
    expect(AccountChanged, await rename(harness, mirja, "MIRJA@example.com"))


async def test_an_address_changes_when_both_have_confirmed(harness: Harness, mirja: Caller) -> None:
    to_new, to_old = await moving(harness, mirja)
    assert (to_new.recipient, to_new.subject) == (NEW_EMAIL, "Vahvista uusi sähköpostiosoitteesi")
    assert (to_old.recipient, to_old.subject) == ("mirja@example.com", "Sähköpostiosoitteesi on vaihtumassa")
    under_way = await account(harness, mirja)
    assert (under_way.email, under_way.new_email, under_way.version) == ("mirja@example.com", NEW_EMAIL, 2)

    assert await confirm(harness, to_new) == EmailChangeConfirmed(changed=False)
    assert codes(await confirm(harness, to_new)) == [("INVALID_LINK", "token")]
    assert await new_mails(harness) == []
    assert await confirm(harness, to_old) == EmailChangeConfirmed(changed=True)

    after = await account(harness, mirja)
    assert (after.email, after.new_email, after.email_verified, after.version) == (NEW_EMAIL, None, True, 3)
    told = await mails(harness)
    assert [(mail.recipient, mail.subject) for mail in told] == [
        ("mirja@example.com", "Sähköpostiosoitteesi on vaihtunut"),
        (NEW_EMAIL, "Sähköpostiosoitteesi on vaihtunut"),
    ]


async def test_links_to_the_old_address_end_with_it(harness: Harness, mirja: Caller) -> None:
    to_new, to_old = await moving(harness, mirja)
    await harness.api(anonymous()).request_password_reset("mirja@example.com")
    (reset,) = await new_mails(harness)
    await confirm(harness, to_old)
    await confirm(harness, to_new)
    answer = await harness.api(anonymous()).reset_password(reset.code, NEW_PASSWORD)
    assert codes(answer) == [("INVALID_LINK", "token")]


@pytest.mark.parametrize("by", [0, 1], ids=["by the new address", "by the old one"])
async def test_either_address_withdraws_a_change(harness: Harness, mirja: Caller, by: int) -> None:
    sent = await moving(harness, mirja)
    assert await withdraw(harness, sent[by]) == EmailChangeWithdrawn()
    after = await account(harness, mirja)
    assert (after.email, after.new_email, after.version) == ("mirja@example.com", None, 3)
    for mail in sent:
        assert codes(await confirm(harness, mail)) == [("INVALID_LINK", "token")]
        assert codes(await withdraw(harness, mail)) == [("INVALID_LINK", "token")]


async def test_the_present_address_withdraws_a_change(harness: Harness, mirja: Caller) -> None:
    sent = await moving(harness, mirja)
    assert await move(harness, mirja, "mirja@example.com", 2, "back") == AccountChanged(version=3)
    assert (await account(harness, mirja)).new_email is None
    assert await mails(harness) == []
    for mail in sent:
        assert codes(await confirm(harness, mail)) == [("INVALID_LINK", "token")]


async def test_a_later_change_takes_the_place_of_an_earlier(harness: Harness, mirja: Caller) -> None:
    earlier = await moving(harness, mirja)
    expect(AccountChanged, await move(harness, mirja, "kolmas@example.com", 2, "again"))
    later = await new_mails(harness)
    for mail in earlier:
        assert codes(await confirm(harness, mail)) == [("INVALID_LINK", "token")]
    for mail in later:
        expect(EmailChangeConfirmed, await confirm(harness, mail))
    assert (await account(harness, mirja)).email == "kolmas@example.com"


async def test_a_change_that_is_not_confirmed_within_a_day_is_none(harness: Harness, mirja: Caller) -> None:
    to_new, to_old = await moving(harness, mirja)
    await confirm(harness, to_new)
    harness.clock.move(hours=24)
    assert codes(await confirm(harness, to_old)) == [("INVALID_LINK", "token")]
    assert (await account(harness, mirja)).new_email is None
    await delete_expired(harness.pool, harness.clock.now())
    assert await harness.pool.fetchval("SELECT count(*) FROM email_changes") == 0


async def test_a_link_without_its_change_is_worth_nothing(harness: Harness, mirja: Caller) -> None:
    to_new, _ = await moving(harness, mirja)
    await harness.pool.execute("DELETE FROM email_changes")
    assert codes(await confirm(harness, to_new)) == [("INVALID_LINK", "token")]


async def test_two_confirmations_at_once_change_the_address_once(harness: Harness, mirja: Caller) -> None:
    sent = await moving(harness, mirja)
    answers = await asyncio.gather(*(confirm(harness, mail) for mail in [*sent, *sent]))
    changed = [answer.changed for answer in answers if isinstance(answer, EmailChangeConfirmed)]
    assert sorted(changed) == [False, True]
    assert len(await mails(harness)) == 2


async def test_an_old_address_that_was_never_verified_is_not_asked(harness: Harness, mirja: Caller) -> None:
    await harness.pool.execute("UPDATE users SET email_verified_at = NULL")
    expect(AccountChanged, await move(harness, mirja))
    (mail,) = await new_mails(harness)
    assert mail.recipient == NEW_EMAIL
    assert await confirm(harness, mail) == EmailChangeConfirmed(changed=True)
    assert [told.recipient for told in await mails(harness)] == [NEW_EMAIL]


async def approve(harness: Harness, email: str = NEW_EMAIL, username: str = "MIRJA@example.com") -> Outcome:
    command = ApproveEmailChange(idempotency_key=email, username=username, email=email)
    return await harness.api(await staff(harness)).approve_email_change(command)


@pytest.mark.parametrize("first", [True, False], ids=["staff first", "the new address first"])
async def test_staff_vouch_for_an_old_address_that_cant_be_read(harness: Harness, mirja: Caller, first: bool) -> None:
    to_new, to_old = await moving(harness, mirja)
    if first:
        answers = [await approve(harness), await confirm(harness, to_new)]
    else:
        answers = [await confirm(harness, to_new), await approve(harness)]
    assert answers == [EmailChangeConfirmed(changed=False), EmailChangeConfirmed(changed=True)]
    assert (await account(harness, mirja)).email == NEW_EMAIL
    assert [mail.recipient for mail in await mails(harness)] == ["mirja@example.com", NEW_EMAIL]
    assert codes(await confirm(harness, to_old)) == [("INVALID_LINK", "token")]
    actions = await harness.pool.fetch("SELECT action, subject FROM chassis.audit WHERE action LIKE 'EMAIL%APPROVED'")
    assert [tuple(row) for row in actions] == [("EMAIL_CHANGE_APPROVED", mirja.subject_id)]


async def test_staff_repeat_an_approval(harness: Harness, mirja: Caller) -> None:
    to_new, _ = await moving(harness, mirja)
    employee = harness.api(await staff(harness))
    command = ApproveEmailChange(idempotency_key="one", username="mirja@example.com", email="Uusi@Example.com")
    assert await employee.approve_email_change(command) == EmailChangeConfirmed(changed=False)
    await confirm(harness, to_new)
    assert await employee.approve_email_change(command) == EmailChangeConfirmed(changed=True)
    await harness.pool.execute("DELETE FROM users")
    assert codes(await employee.approve_email_change(command)) == [("NOT_FOUND", "idempotencyKey")]


async def test_staff_vouch_for_nothing_else(harness: Harness, mirja: Caller) -> None:
    assert codes(await approve(harness)) == [("NOT_FOUND", "username")]
    await moving(harness, mirja)
    assert codes(await approve(harness, "kolmas@example.com")) == [("NOT_FOUND", "username")]
    assert codes(await approve(harness, username="nobody")) == [("NOT_FOUND", "username")]
    harness.clock.move(hours=24)
    assert codes(await approve(harness)) == [("NOT_FOUND", "username")]


async def test_a_malformed_address_is_refused(harness: Harness, mirja: Caller) -> None:
    assert codes(await move(harness, mirja, "uusi")) == [("MALFORMED", "email")]


async def test_mails_to_an_address_are_limited_and_a_refused_change_changes_nothing(
    harness: Harness, mirja: Caller
) -> None:
    for number in range(5):
        expect(AccountChanged, await move(harness, mirja, version=1 + number, key=f"{number}"))
    assert codes(await move(harness, mirja, version=6, key="6")) == [("TOO_MANY_ATTEMPTS", "")]
    to_new, to_old = (await mails(harness))[-2:]
    await confirm(harness, to_new)
    assert await confirm(harness, to_old) == EmailChangeConfirmed(changed=True)


async def test_a_language_is_changed_and_told_in_the_new_one(harness: Harness, mirja: Caller) -> None:
    command = ChangeLanguage(idempotency_key="one", version=1, language=Language.SV)
    assert await harness.api(mirja).change_language(command) == AccountChanged(version=2)
    (mail,) = await mails(harness)
    assert mail.subject == "Ditt språk har ändrats"
    assert (await account(harness, mirja)).language is Language.SV
    stale = msgspec.structs.replace(command, idempotency_key="two", language=Language.EN)
    expect(Conflict, await harness.api(mirja).change_language(stale))


async def test_a_changed_password_ends_the_other_sessions(harness: Harness, mirja: Caller) -> None:
    others = [await signed_in(harness) for _ in range(2)]
    own = await signed_in(harness)
    answer = await change_password(harness, await caller_of(harness, own.access_token))
    assert answer == PasswordChanged(sessions_ended=3)
    for session in others:
        assert codes(await harness.api(anonymous()).refresh(session.refresh_token)) == [("SESSION_ENDED", "")]
    expect(SignedIn, await harness.api(anonymous()).refresh(own.refresh_token))
    assert codes(await sign_in(harness)) == [("SIGN_IN_FAILED", "")]
    expect(SignedIn, await sign_in(harness, password=NEW_PASSWORD))
    (mail,) = await mails(harness)
    assert mail.subject == "Salasanasi on vaihtunut"
    assert "Päätettyjä istuntoja: 3" in mail.text


async def test_a_changed_password_ends_links_to_another(harness: Harness, mirja: Caller) -> None:
    await harness.api(anonymous()).request_password_reset("mirja@example.com")
    (mail,) = await new_mails(harness)
    await change_password(harness, mirja)
    assert codes(await harness.api(anonymous()).reset_password(mail.code, PASSWORD)) == [("INVALID_LINK", "token")]


async def test_wrong_and_weak_passwords_are_refused(harness: Harness, mirja: Caller) -> None:
    assert codes(await change_password(harness, mirja, "wrong")) == [("WRONG_PASSWORD", "currentPassword")]
    assert codes(await change_password(harness, mirja, new="short")) == [("WEAK_PASSWORD", "newPassword")]
    expect(SignedIn, await sign_in(harness))


async def test_guesses_of_the_present_password_are_limited_apart_from_sign_ins(harness: Harness, mirja: Caller) -> None:
    for _ in range(10):
        assert codes(await change_password(harness, mirja, "wrong")) == [("WRONG_PASSWORD", "currentPassword")]
    assert codes(await change_password(harness, mirja)) == [("TOO_MANY_ATTEMPTS", "")]
    expect(SignedIn, await sign_in(harness))
    harness.clock.move(hours=1)
    expect(PasswordChanged, await change_password(harness, mirja))
    expect(PasswordChanged, await change_password(harness, mirja, NEW_PASSWORD, PASSWORD))


async def test_of_a_user_who_is_gone_no_password_is_right(harness: Harness, mirja: Caller) -> None:
    await harness.pool.execute("DELETE FROM users")
    assert codes(await change_password(harness, mirja)) == [("WRONG_PASSWORD", "currentPassword")]


def change_while(monkeypatch: pytest.MonkeyPatch, harness: Harness, mirja: Caller, method: str) -> None:
    """Have the password changed by someone else while this one is hashed or verified."""
    original: Any = getattr(Argon2Passwords, method)

    async def slow(self: Argon2Passwords, *arguments: str) -> Any:
        await harness.pool.execute(
            "UPDATE users SET password_hash = 'another' WHERE id = $1", read_id("user", mirja.subject_id)
        )
        return await original(self, *arguments)

    monkeypatch.setattr(Argon2Passwords, method, slow)


async def test_of_two_changes_at_once_one_is_refused(
    harness: Harness, mirja: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_while(monkeypatch, harness, mirja, "hash")
    assert codes(await change_password(harness, mirja)) == [("WRONG_PASSWORD", "currentPassword")]


async def test_a_sign_in_with_a_password_that_changes_meanwhile_fails(
    harness: Harness, mirja: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_while(monkeypatch, harness, mirja, "verify")
    assert codes(await sign_in(harness)) == [("SIGN_IN_FAILED", "")]


async def test_an_address_that_is_not_verified_is_told_nothing(harness: Harness, mirja: Caller) -> None:
    await harness.pool.execute("UPDATE users SET email_verified_at = NULL")
    expect(AccountChanged, await rename(harness, mirja, "Mirja Meri"))
    expect(PasswordChanged, await change_password(harness, mirja))
    assert await mails(harness) == []
