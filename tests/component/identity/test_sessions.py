"""I3: signing in, refreshing, signing out."""

import asyncio

import pytest

from services.chassis.auth.tokens import TYPE
from services.chassis.ids import read_id
from services.chassis.problems import Forbidden, Unauthenticated
from services.contracts.identity.events import SessionEnded
from services.contracts.identity.sessions import SignedIn
from services.contracts.permission import SubjectKind
from services.contracts.values import Outcome
from services.identity.store.retention import delete_expired
from tests.component.identity.actions import (
    Harness,
    anonymous,
    caller_of,
    claims,
    codes,
    customers,
    expect,
    registered,
    sign_in,
    signed_in,
)


@pytest.fixture
async def user_id(harness: Harness) -> str:
    """Register Mirja."""
    await customers(harness)
    return await registered(harness)


async def refresh(harness: Harness, token: str) -> Outcome:
    return await harness.api(anonymous()).refresh(token)


async def refreshed(harness: Harness, token: str) -> SignedIn:
    return expect(SignedIn, await refresh(harness, token))


async def test_an_access_token_has_its_users_language(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    assert (await claims(harness, session.access_token)).locale == "fi"
    # A change is in the next token.
    await harness.pool.execute("UPDATE users SET language = 'sv' WHERE id = $1", read_id("user", user_id))
    assert (await claims(harness, (await refreshed(harness, session.refresh_token)).access_token)).locale == "sv"


async def test_an_access_token_is_valid_for_ten_minutes(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    token_claims = await claims(harness, session.access_token)
    assert (token_claims.sub, token_claims.kind, token_claims.av, token_claims.client_id, token_claims.scope) == (
        user_id,
        "USER",
        1,
        "kierto",
        "",
    )
    assert token_claims.sid.startswith("session_")
    assert (session.expires_in, token_claims.exp - token_claims.iat) == (600, 600)
    assert TYPE == "at+jwt"
    harness.clock.move(minutes=10)
    with pytest.raises(Unauthenticated):
        await claims(harness, session.access_token)


async def test_case_and_width_of_the_username_do_not_matter(harness: Harness, user_id: str) -> None:
    await signed_in(harness, " ＭＩＲＪＡ@Example.COM")


@pytest.mark.parametrize(
    ("username", "password"),
    [("nobody", "whatever it may be"), ("mirja@example.com", "not the password"), ("mirja\x00", "x" * 10_000)],
)
async def test_unknown_users_and_wrong_passwords_are_refused_alike(
    harness: Harness, user_id: str, hash_calls: list[str], username: str, password: str
) -> None:
    hash_calls.clear()
    assert codes(await sign_in(harness, username, password)) == [("SIGN_IN_FAILED", "")]
    assert hash_calls == ["verify"]


async def test_an_inactive_user_can_neither_sign_in_nor_refresh(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    await harness.pool.execute("UPDATE users SET active = false")
    assert codes(await sign_in(harness)) == [("SIGN_IN_FAILED", "")]
    assert codes(await refresh(harness, session.refresh_token)) == [("SESSION_ENDED", "")]


async def test_the_right_password_resets_the_failures(harness: Harness, user_id: str) -> None:
    for _ in range(3):
        for _ in range(5):
            assert codes(await sign_in(harness, password="not the password")) == [("SIGN_IN_FAILED", "")]
        await signed_in(harness)


async def test_each_refresh_token_is_followed_by_another(harness: Harness, user_id: str) -> None:
    first = await signed_in(harness)
    second = await refreshed(harness, first.refresh_token)
    third = await refreshed(harness, second.refresh_token)
    assert len({one.refresh_token for one in (first, second, third)}) == 3
    sessions = {(await claims(harness, one.access_token)).sid for one in (first, second, third)}
    assert len(sessions) == 1, "all of one session"


async def test_within_ten_seconds_the_last_but_one_gets_the_same_successor(harness: Harness, user_id: str) -> None:
    first = await signed_in(harness)
    both = await asyncio.gather(*(refreshed(harness, first.refresh_token) for _ in range(2)))
    harness.clock.move(seconds=10)
    again = await refreshed(harness, first.refresh_token)
    assert {one.refresh_token for one in both} == {again.refresh_token}
    await refreshed(harness, again.refresh_token)
    assert await harness.emitted_events(SessionEnded) == []


async def test_a_later_second_use_ends_the_session(harness: Harness, user_id: str) -> None:
    first = await signed_in(harness)
    second = await refreshed(harness, first.refresh_token)
    harness.clock.move(seconds=10.001)
    assert codes(await refresh(harness, first.refresh_token)) == [("SESSION_ENDED", "")]
    assert codes(await refresh(harness, second.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await harness.emitted_events(SessionEnded)
    token_claims = await claims(harness, first.access_token)
    assert (ended.session_id, ended.subject_id) == (token_claims.sid, user_id)


async def test_an_older_token_ends_the_session_even_at_once(harness: Harness, user_id: str) -> None:
    first = await signed_in(harness)
    second = await refreshed(harness, first.refresh_token)
    await refreshed(harness, second.refresh_token)
    assert codes(await refresh(harness, first.refresh_token)) == [("SESSION_ENDED", "")]
    assert len(await harness.emitted_events(SessionEnded)) == 1


async def test_other_sessions_of_the_user_go_on(harness: Harness, user_id: str) -> None:
    phone, web = await signed_in(harness), await signed_in(harness)
    await refreshed(harness, phone.refresh_token)
    harness.clock.move(minutes=1)
    await refresh(harness, phone.refresh_token)
    await refreshed(harness, web.refresh_token)


async def test_a_made_up_refresh_token_is_refused(harness: Harness, user_id: str) -> None:
    assert codes(await refresh(harness, "made up")) == [("SESSION_ENDED", "")]


async def test_a_session_lasts_thirty_days_without_use_and_ninety_with(harness: Harness, user_id: str) -> None:
    idle = await signed_in(harness)
    used = await signed_in(harness)
    for _ in range(3):
        harness.clock.move(days=29)
        used = await refreshed(harness, used.refresh_token)
    assert codes(await refresh(harness, idle.refresh_token)) == [("SESSION_ENDED", "")]
    harness.clock.move(days=3)
    assert codes(await refresh(harness, used.refresh_token)) == [("SESSION_ENDED", "")]


async def test_signing_out_ends_the_session_once(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    api = harness.api(await caller_of(harness, session.access_token))
    first, second = await api.sign_out(), await api.sign_out()
    assert [getattr(answer, "session_ended", None) for answer in (first, second)] == [True, False]
    assert codes(await refresh(harness, session.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await harness.emitted_events(SessionEnded)
    kept = await harness.pool.fetch("SELECT session_id FROM access.ended_sessions")
    assert [row["session_id"] for row in kept] == [ended.session_id], "its tokens are refused here, too"


@pytest.mark.parametrize("which", ["last", "used"])
async def test_any_refresh_token_ends_its_session(harness: Harness, user_id: str, which: str) -> None:
    first = await signed_in(harness)
    last = await refreshed(harness, first.refresh_token)
    harness.clock.move(minutes=1)
    held = first if which == "used" else last
    answers = [await harness.api(anonymous()).sign_out_with(held.refresh_token) for _ in range(2)]
    assert [getattr(answer, "session_ended", None) for answer in answers] == [True, False]
    assert codes(await refresh(harness, last.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await harness.emitted_events(SessionEnded)
    assert (ended.session_id, ended.subject_id) == ((await claims(harness, first.access_token)).sid, user_id)


async def test_a_made_up_refresh_token_ends_nothing(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    answer = await harness.api(anonymous()).sign_out_with("made up")
    assert getattr(answer, "session_ended", None) is False
    await refreshed(harness, session.refresh_token)
    assert await harness.emitted_events(SessionEnded) == []


async def test_a_session_states_how_long_it_can_be_refreshed(harness: Harness, user_id: str) -> None:
    day = 24 * 60 * 60
    used = await signed_in(harness)
    lifetimes = [used.refresh_expires_in]
    for _ in range(3):
        harness.clock.move(days=25)
        used = await refreshed(harness, used.refresh_token)
        lifetimes.append(used.refresh_expires_in)
    assert lifetimes == [30 * day, 30 * day, 30 * day, 15 * day]
    harness.clock.move(days=15)
    assert codes(await refresh(harness, used.refresh_token)) == [("SESSION_ENDED", "")]


async def test_a_session_is_ended_by_its_own_user_alone(harness: Harness, user_id: str) -> None:
    session = await caller_of(harness, (await signed_in(harness)).access_token)
    other = await harness.caller()
    for session_id in (session.session_id, "", "session_x"):
        claimed = type(other)(subject_id=other.subject_id, kind=other.kind, session_id=session_id)
        answer = await harness.api(claimed).sign_out()
        assert getattr(answer, "session_ended", None) is False
    with pytest.raises(Forbidden):
        await harness.api(await harness.caller(kind=SubjectKind.PARTNER)).sign_out()


async def test_expired_sessions_and_attempts_are_deleted(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    await sign_in(harness, password="not the password")
    await harness.api(await caller_of(harness, session.access_token)).sign_out()
    await delete_expired(harness.pool, harness.clock.now())
    counts = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM attempts)"
    assert tuple(await harness.pool.fetchrow(counts) or ()) == (1, 2)
    harness.clock.move(days=8)
    await delete_expired(harness.pool, harness.clock.now())
    assert tuple(await harness.pool.fetchrow(counts) or ()) == (0, 0)
    assert await harness.pool.fetchval("SELECT count(*) FROM refresh_tokens") == 0


async def test_secrets_are_stored_as_digests_only(harness: Harness, user_id: str) -> None:
    session = await signed_in(harness)
    kept = [bytes(row["digest"]) for row in await harness.pool.fetch("SELECT digest FROM refresh_tokens")]
    assert session.refresh_token.encode() not in kept
    password_hash = await harness.pool.fetchval("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
