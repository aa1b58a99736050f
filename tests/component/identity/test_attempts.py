"""I2: limits on sign-in attempts. Guessing is slow, and the owner is never locked out."""

import asyncio

import pytest

from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Refusal
from services.identity.store.retention import delete_expired
from tests.component.identity.actions import (
    Harness,
    anonymous,
    codes,
    customers,
    expect,
    registered,
    sign_in,
    signed_in,
)

OWNER, ATTACKER = "198.51.100.7", "203.0.113.1"
WRONG = "not the password"


@pytest.fixture(autouse=True)
async def user_id(harness: Harness) -> str:
    """Register Mirja."""
    await customers(harness)
    return await registered(harness)


async def device_of(harness: Harness, username: str = "mirja@example.com") -> str:
    """Sign in as the owner and return the token of the device."""
    known = (await signed_in(harness, username, address=OWNER)).device
    assert known is not None
    return known.token


async def guess(harness: Harness, times: int = 1, *, device: str = "", address: str = ATTACKER) -> list[str]:
    """Guess Mirja's password and return the codes of the refusals."""
    answers = [await sign_in(harness, password=WRONG, device=device, address=address) for _ in range(times)]
    return [codes(answer)[0][0] for answer in answers]


async def seconds_for(harness: Harness, address: str) -> int:
    """Return the wait of an address that signs in with the right password."""
    (problem,) = expect(Refusal, await sign_in(harness, address=address)).problems
    assert (problem.code, problem.path, problem.retryable) == ("TOO_MANY_ATTEMPTS", [], True)
    return int(problem.params["seconds"])


async def test_a_hundred_at_once_are_ten_guesses(harness: Harness) -> None:
    answers = await asyncio.gather(
        *(sign_in(harness, password=WRONG, address=f"203.0.113.{number}") for number in range(100))
    )
    refusals = [codes(answer)[0][0] for answer in answers]
    assert (refusals.count("SIGN_IN_FAILED"), refusals.count("TOO_MANY_ATTEMPTS")) == (10, 90)


async def test_after_ten_failures_unknown_devices_have_one_attempt_in_thirty_seconds(
    harness: Harness, hash_calls: list[str]
) -> None:
    await guess(harness, 10)
    hash_calls.clear()
    assert await seconds_for(harness, ATTACKER) == 30
    assert hash_calls == [], "the password is not verified"
    harness.clock.move(seconds=29)
    assert await seconds_for(harness, ATTACKER) == 1
    harness.clock.move(seconds=1)
    assert await guess(harness, 2) == ["SIGN_IN_FAILED", "TOO_MANY_ATTEMPTS"]
    harness.clock.move(seconds=30)
    await signed_in(harness, address=ATTACKER)


async def test_the_owner_is_admitted_during_permanent_attempts_of_an_attacker(harness: Harness) -> None:
    await guess(harness, 10)
    harness.clock.move(seconds=10)
    assert await guess(harness) == ["TOO_MANY_ATTEMPTS"]
    assert await seconds_for(harness, OWNER) == 20
    assert await guess(harness) == ["TOO_MANY_ATTEMPTS"]
    harness.clock.move(seconds=20)
    assert await guess(harness) == ["TOO_MANY_ATTEMPTS"], "the slot is reserved for the owner"
    await signed_in(harness, address=OWNER)


async def test_an_unused_reservation_expires(harness: Harness) -> None:
    await guess(harness, 10)
    assert await seconds_for(harness, OWNER) == 30
    harness.clock.move(seconds=59)
    assert await guess(harness) == ["TOO_MANY_ATTEMPTS"]
    harness.clock.move(seconds=1)
    assert await guess(harness) == ["SIGN_IN_FAILED"]


async def test_after_a_hundred_failures_they_have_one_in_fifteen_minutes_until_a_day_without_any(
    harness: Harness,
) -> None:
    await guess(harness)
    await harness.pool.execute("UPDATE attempts SET count = 99 WHERE scope = 'USERNAME'")
    harness.clock.move(seconds=30)
    assert await guess(harness) == ["SIGN_IN_FAILED"]
    assert await seconds_for(harness, OWNER) == 900
    harness.clock.move(minutes=15)
    assert await guess(harness, address=OWNER) == ["SIGN_IN_FAILED"]
    harness.clock.move(hours=23, minutes=59)
    assert await guess(harness, 2) == ["SIGN_IN_FAILED", "TOO_MANY_ATTEMPTS"], "still one at a time"
    harness.clock.move(days=1)
    assert await guess(harness, 10) == ["SIGN_IN_FAILED"] * 10


async def test_a_known_device_is_not_limited_by_others(harness: Harness) -> None:
    device = await device_of(harness)
    assert (await guess(harness, 11))[-1] == "TOO_MANY_ATTEMPTS"
    await signed_in(harness, device=device, address=OWNER)
    assert await guess(harness, device=device, address=OWNER) == ["SIGN_IN_FAILED"], "the owner mistypes, too"
    await signed_in(harness, device=device, address=OWNER)
    assert await guess(harness) == ["TOO_MANY_ATTEMPTS"], "the gate is unchanged"


async def test_a_device_stays_known_for_half_a_year_from_each_sign_in(harness: Harness) -> None:
    first = await signed_in(harness, address=OWNER)
    assert first.device is not None
    assert first.device.expires_in == 180 * 24 * 60 * 60
    harness.clock.move(days=179)
    again = (await signed_in(harness, device=first.device.token, address=OWNER)).device
    assert again is not None
    harness.clock.move(days=1)
    await guess(harness, 10)
    assert codes(await sign_in(harness, device=first.device.token, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    await signed_in(harness, device=again.token, address=OWNER)


async def test_a_stolen_cookie_is_good_for_ten_guesses(harness: Harness) -> None:
    device = await device_of(harness)
    await guess(harness, 10)
    answers = await asyncio.gather(
        *(sign_in(harness, password=WRONG, device=device, address=f"203.0.113.{number}") for number in range(2, 14))
    )
    refusals = [codes(answer)[0][0] for answer in answers]
    assert (refusals.count("SIGN_IN_FAILED"), refusals.count("TOO_MANY_ATTEMPTS")) == (10, 2)
    assert codes(await sign_in(harness, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    harness.clock.move(seconds=60)
    fresh = (await signed_in(harness, device=device, address=OWNER)).device
    assert fresh is not None
    assert await guess(harness, 10) == ["SIGN_IN_FAILED"] * 10, "the failures at the gate were reset"
    await signed_in(harness, device=fresh.token, address=OWNER)


async def test_a_device_is_known_for_one_account(harness: Harness) -> None:
    await registered(harness, username="naapuri", address=OWNER)
    theirs = await device_of(harness, "naapuri")
    await guess(harness, 10)
    for device in (theirs, "made.up.token", "", "x.1.y", "ä.ö.å", (await device_of(harness, "naapuri"))[:-2]):
        assert codes(await sign_in(harness, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]


async def test_a_known_device_is_limited_by_its_address(harness: Harness) -> None:
    device = await device_of(harness)
    await harness.pool.execute("UPDATE attempts SET count = 50 WHERE scope = 'ADDRESS'")
    assert codes(await sign_in(harness, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    harness.clock.move(minutes=15)
    await signed_in(harness, device=device, address=OWNER)


async def test_counts_of_failures_are_kept_for_a_day_and_those_of_none_not_so_long(harness: Harness) -> None:
    async def left() -> int:
        await delete_expired(harness.pool, harness.clock.now())
        return int(await harness.pool.fetchval("SELECT count(*) FROM attempts"))

    await harness.pool.execute("DELETE FROM attempts")
    await guess(harness)
    await harness.pool.execute("UPDATE attempts SET count = 50 WHERE scope = 'ADDRESS'")
    for number in range(5):
        assert codes(await sign_in(harness, f"name {number}", address=ATTACKER)) == [("TOO_MANY_ATTEMPTS", "")]
    harness.clock.move(minutes=15)
    assert await left() == 2, "the address' and Mirja's"
    harness.clock.move(hours=23, minutes=44)
    assert await left() == 2
    harness.clock.move(minutes=1)
    assert await left() == 0


async def test_the_token_of_a_device_tells_nothing_of_its_user(harness: Harness, user_id: str) -> None:
    device = await device_of(harness)
    stored = await harness.pool.fetchval("SELECT id FROM users")
    assert not any(text in device for text in (user_id, user_id.partition("_")[2], str(stored), stored.hex, "mirja"))
    kept = b"".join(row["key"] for row in await harness.pool.fetch("SELECT key FROM attempts"))
    assert device.partition(".")[0].encode() not in kept


async def test_a_refresh_makes_no_device_known(harness: Harness) -> None:
    session = await signed_in(harness, address=OWNER)
    refreshed = await harness.api(anonymous()).refresh(session.refresh_token)
    assert expect(SignedIn, refreshed).device is None
