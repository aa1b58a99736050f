"""I3: sign in, go on, sign out."""

import asyncio

import pytest

from services.chassis.ids import read_id
from services.chassis.problems import Forbidden, Unauthenticated
from services.chassis.tokens import TYPE
from services.contracts.identity import SessionEnded, SignedIn, SubjectKind
from services.contracts.values import Outcome
from services.identity.store.expiry import forget
from tests.component.identity.steps import (
    Bench,
    caller_of,
    claims,
    codes,
    customers,
    expect,
    registered,
    sign_in,
    signed_in,
    stranger,
)


@pytest.fixture
async def user_id(bench: Bench) -> str:
    """Mirja, registered."""
    await customers(bench)
    return await registered(bench)


async def refresh(bench: Bench, token: str) -> Outcome:
    return await bench.offering(stranger()).refresh(token)


async def refreshed(bench: Bench, token: str) -> SignedIn:
    return expect(SignedIn, await refresh(bench, token))


async def test_an_access_token_says_its_users_language(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    assert (await claims(bench, session.access_token)).locale == "fi"
    # Changed, it comes with the next token.
    await bench.pool.execute("UPDATE users SET language = 'sv' WHERE id = $1", read_id("user", user_id))
    assert (await claims(bench, (await refreshed(bench, session.refresh_token)).access_token)).locale == "sv"


async def test_an_access_token_says_who_for_ten_minutes(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    said = await claims(bench, session.access_token)
    assert (said.sub, said.kind, said.av, said.client_id, said.scope) == (user_id, "USER", 1, "kierto", "")
    assert said.sid.startswith("session_")
    assert (session.expires_in, said.exp - said.iat) == (600, 600)
    assert TYPE == "at+jwt"
    bench.clock.move(minutes=10)
    with pytest.raises(Unauthenticated):
        await claims(bench, session.access_token)


async def test_case_and_width_of_the_username_do_not_matter(bench: Bench, user_id: str) -> None:
    await signed_in(bench, " ＭＩＲＪＡ@Example.COM")


@pytest.mark.parametrize(
    ("username", "password"),
    [("nobody", "whatever it may be"), ("mirja@example.com", "not the password"), ("mirja\x00", "x" * 10_000)],
)
async def test_unknown_users_and_wrong_passwords_are_refused_alike(
    bench: Bench, user_id: str, hashed: list[str], username: str, password: str
) -> None:
    hashed.clear()
    assert codes(await sign_in(bench, username, password)) == [("SIGN_IN_FAILED", "")]
    assert hashed == ["verify"]


async def test_a_user_who_is_not_active_does_not_get_in_nor_on(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    await bench.pool.execute("UPDATE users SET active = false")
    assert codes(await sign_in(bench)) == [("SIGN_IN_FAILED", "")]
    assert codes(await refresh(bench, session.refresh_token)) == [("SESSION_ENDED", "")]


async def test_the_right_password_forgets_the_mistyped_ones(bench: Bench, user_id: str) -> None:
    for _ in range(3):
        for _ in range(5):
            assert codes(await sign_in(bench, password="not the password")) == [("SIGN_IN_FAILED", "")]
        await signed_in(bench)


async def test_each_refresh_token_is_followed_by_another(bench: Bench, user_id: str) -> None:
    first = await signed_in(bench)
    second = await refreshed(bench, first.refresh_token)
    third = await refreshed(bench, second.refresh_token)
    assert len({one.refresh_token for one in (first, second, third)}) == 3
    sessions = {(await claims(bench, one.access_token)).sid for one in (first, second, third)}
    assert len(sessions) == 1, "it stays one session"


async def test_within_ten_seconds_the_last_but_one_gets_the_same_successor(bench: Bench, user_id: str) -> None:
    first = await signed_in(bench)
    both = await asyncio.gather(*(refreshed(bench, first.refresh_token) for _ in range(2)))
    bench.clock.move(seconds=10)
    again = await refreshed(bench, first.refresh_token)
    assert {one.refresh_token for one in both} == {again.refresh_token}
    await refreshed(bench, again.refresh_token)
    assert await bench.announced(SessionEnded) == []


async def test_a_later_second_use_ends_the_whole_family(bench: Bench, user_id: str) -> None:
    first = await signed_in(bench)
    second = await refreshed(bench, first.refresh_token)
    bench.clock.move(seconds=10.001)
    assert codes(await refresh(bench, first.refresh_token)) == [("SESSION_ENDED", "")]
    assert codes(await refresh(bench, second.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await bench.announced(SessionEnded)
    said = await claims(bench, first.access_token)
    assert (ended.session_id, ended.subject_id) == (said.sid, user_id)


async def test_an_older_one_ends_the_family_even_at_once(bench: Bench, user_id: str) -> None:
    first = await signed_in(bench)
    second = await refreshed(bench, first.refresh_token)
    await refreshed(bench, second.refresh_token)
    assert codes(await refresh(bench, first.refresh_token)) == [("SESSION_ENDED", "")]
    assert len(await bench.announced(SessionEnded)) == 1


async def test_other_sessions_of_the_user_go_on(bench: Bench, user_id: str) -> None:
    phone, web = await signed_in(bench), await signed_in(bench)
    await refreshed(bench, phone.refresh_token)
    bench.clock.move(minutes=1)
    await refresh(bench, phone.refresh_token)
    await refreshed(bench, web.refresh_token)


async def test_a_made_up_refresh_token_is_refused(bench: Bench, user_id: str) -> None:
    assert codes(await refresh(bench, "made up")) == [("SESSION_ENDED", "")]


async def test_a_session_lasts_thirty_days_without_use_and_ninety_with(bench: Bench, user_id: str) -> None:
    idle = await signed_in(bench)
    used = await signed_in(bench)
    for _ in range(3):
        bench.clock.move(days=29)
        used = await refreshed(bench, used.refresh_token)
    assert codes(await refresh(bench, idle.refresh_token)) == [("SESSION_ENDED", "")]
    bench.clock.move(days=3)
    assert codes(await refresh(bench, used.refresh_token)) == [("SESSION_ENDED", "")]


async def test_signing_out_ends_the_session_once(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    offering = bench.offering(await caller_of(bench, session.access_token))
    first, second = await offering.sign_out(), await offering.sign_out()
    assert [getattr(answer, "session_ended", None) for answer in (first, second)] == [True, False]
    assert codes(await refresh(bench, session.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await bench.announced(SessionEnded)
    kept = await bench.pool.fetch("SELECT session_id FROM access.ended_sessions")
    assert [row["session_id"] for row in kept] == [ended.session_id], "its tokens are refused here, too"


@pytest.mark.parametrize("which", ["last", "used"])
async def test_whoever_holds_a_refresh_token_may_end_its_session(bench: Bench, user_id: str, which: str) -> None:
    first = await signed_in(bench)
    last = await refreshed(bench, first.refresh_token)
    bench.clock.move(minutes=1)
    held = first if which == "used" else last
    answers = [await bench.offering(stranger()).sign_out_with(held.refresh_token) for _ in range(2)]
    assert [getattr(answer, "session_ended", None) for answer in answers] == [True, False]
    assert codes(await refresh(bench, last.refresh_token)) == [("SESSION_ENDED", "")]
    (ended,) = await bench.announced(SessionEnded)
    assert (ended.session_id, ended.subject_id) == ((await claims(bench, first.access_token)).sid, user_id)


async def test_a_made_up_refresh_token_ends_nothing(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    answer = await bench.offering(stranger()).sign_out_with("made up")
    assert getattr(answer, "session_ended", None) is False
    await refreshed(bench, session.refresh_token)
    assert await bench.announced(SessionEnded) == []


async def test_a_session_says_how_long_it_can_be_gone_on_with(bench: Bench, user_id: str) -> None:
    day = 24 * 60 * 60
    used = await signed_in(bench)
    told = [used.refresh_expires_in]
    for _ in range(3):
        bench.clock.move(days=25)
        used = await refreshed(bench, used.refresh_token)
        told.append(used.refresh_expires_in)
    assert told == [30 * day, 30 * day, 30 * day, 15 * day]
    bench.clock.move(days=15)
    assert codes(await refresh(bench, used.refresh_token)) == [("SESSION_ENDED", "")]


async def test_nobody_ends_anothers_session_and_machines_have_none(bench: Bench, user_id: str) -> None:
    session = await caller_of(bench, (await signed_in(bench)).access_token)
    other = await bench.caller()
    for session_id in (session.session_id, "", "session_x"):
        claimed = type(other)(subject_id=other.subject_id, kind=other.kind, session_id=session_id)
        answer = await bench.offering(claimed).sign_out()
        assert getattr(answer, "session_ended", None) is False
    with pytest.raises(Forbidden):
        await bench.offering(await bench.caller(kind=SubjectKind.PARTNER)).sign_out()


async def test_what_is_long_over_is_forgotten(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    await sign_in(bench, password="not the password")
    await bench.offering(await caller_of(bench, session.access_token)).sign_out()
    await forget(bench.pool, bench.clock.now())
    counts = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM attempts)"
    assert tuple(await bench.pool.fetchrow(counts) or ()) == (1, 2)
    bench.clock.move(days=8)
    await forget(bench.pool, bench.clock.now())
    assert tuple(await bench.pool.fetchrow(counts) or ()) == (0, 0)
    assert await bench.pool.fetchval("SELECT count(*) FROM refresh_tokens") == 0


async def test_no_secret_is_kept_as_it_is(bench: Bench, user_id: str) -> None:
    session = await signed_in(bench)
    kept = [bytes(row["digest"]) for row in await bench.pool.fetch("SELECT digest FROM refresh_tokens")]
    assert session.refresh_token.encode() not in kept
    password_hash = await bench.pool.fetchval("SELECT password_hash FROM users")
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
