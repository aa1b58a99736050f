"""I2: who guesses is slowed down, and keeps nobody out."""

import asyncio

import pytest

from services.contracts.identity import SignedIn
from services.contracts.values import Refusal
from services.identity.store.expiry import forget
from tests.component.identity.steps import (
    Bench,
    codes,
    customers,
    expect,
    registered,
    sign_in,
    signed_in,
    stranger,
)

OWNER, ATTACKER = "198.51.100.7", "203.0.113.1"
WRONG = "not the password"


@pytest.fixture(autouse=True)
async def user_id(bench: Bench) -> str:
    """Mirja, registered."""
    await customers(bench)
    return await registered(bench)


async def device_of(bench: Bench, username: str = "mirja@example.com") -> str:
    """The token of the device that the owner signs in from."""
    known = (await signed_in(bench, username, address=OWNER)).device
    assert known is not None
    return known.token


async def guess(bench: Bench, times: int = 1, *, device: str = "", address: str = ATTACKER) -> list[str]:
    """Guess Mirja's password; the codes of the answers."""
    answers = [await sign_in(bench, password=WRONG, device=device, address=address) for _ in range(times)]
    return [codes(answer)[0][0] for answer in answers]


async def seconds_for(bench: Bench, address: str) -> int:
    """How long one who comes from an address has to wait; asked with the right password."""
    (problem,) = expect(Refusal, await sign_in(bench, address=address)).problems
    assert (problem.code, problem.path, problem.retryable) == ("TOO_MANY_ATTEMPTS", [], True)
    return int(problem.params["seconds"])


async def test_a_hundred_at_once_are_ten_guesses(bench: Bench) -> None:
    answers = await asyncio.gather(
        *(sign_in(bench, password=WRONG, address=f"203.0.113.{number}") for number in range(100))
    )
    told = [codes(answer)[0][0] for answer in answers]
    assert (told.count("SIGN_IN_FAILED"), told.count("TOO_MANY_ATTEMPTS")) == (10, 90)


async def test_after_ten_failures_strangers_have_one_turn_in_thirty_seconds(bench: Bench, hashed: list[str]) -> None:
    await guess(bench, 10)
    hashed.clear()
    assert await seconds_for(bench, ATTACKER) == 30
    assert hashed == [], "whether it was right is not looked at"
    bench.clock.move(seconds=29)
    assert await seconds_for(bench, ATTACKER) == 1
    bench.clock.move(seconds=1)
    assert await guess(bench, 2) == ["SIGN_IN_FAILED", "TOO_MANY_ATTEMPTS"]
    bench.clock.move(seconds=30)
    await signed_in(bench, address=ATTACKER)


async def test_the_owner_gets_a_turn_while_an_attacker_tries_without_pause(bench: Bench) -> None:
    await guess(bench, 10)
    bench.clock.move(seconds=10)
    assert await guess(bench) == ["TOO_MANY_ATTEMPTS"]
    assert await seconds_for(bench, OWNER) == 20
    assert await guess(bench) == ["TOO_MANY_ATTEMPTS"]
    bench.clock.move(seconds=20)
    assert await guess(bench) == ["TOO_MANY_ATTEMPTS"], "the turn is the owner's"
    await signed_in(bench, address=OWNER)


async def test_a_turn_that_nobody_takes_is_everybodys(bench: Bench) -> None:
    await guess(bench, 10)
    assert await seconds_for(bench, OWNER) == 30
    bench.clock.move(seconds=59)
    assert await guess(bench) == ["TOO_MANY_ATTEMPTS"]
    bench.clock.move(seconds=1)
    assert await guess(bench) == ["SIGN_IN_FAILED"]


async def test_after_a_hundred_failures_they_have_one_in_fifteen_minutes_until_a_day_without_any(bench: Bench) -> None:
    await guess(bench)
    await bench.pool.execute("UPDATE attempts SET count = 99 WHERE scope = 'USERNAME'")
    bench.clock.move(seconds=30)
    assert await guess(bench) == ["SIGN_IN_FAILED"]
    assert await seconds_for(bench, OWNER) == 900
    bench.clock.move(minutes=15)
    assert await guess(bench, address=OWNER) == ["SIGN_IN_FAILED"]
    bench.clock.move(hours=23, minutes=59)
    assert await guess(bench, 2) == ["SIGN_IN_FAILED", "TOO_MANY_ATTEMPTS"], "still one at a time"
    bench.clock.move(days=1)
    assert await guess(bench, 10) == ["SIGN_IN_FAILED"] * 10


async def test_a_known_device_is_not_held_back_by_strangers(bench: Bench) -> None:
    device = await device_of(bench)
    assert (await guess(bench, 11))[-1] == "TOO_MANY_ATTEMPTS"
    await signed_in(bench, device=device, address=OWNER)
    assert await guess(bench, device=device, address=OWNER) == ["SIGN_IN_FAILED"], "the owner mistypes, too"
    await signed_in(bench, device=device, address=OWNER)
    assert await guess(bench) == ["TOO_MANY_ATTEMPTS"], "and strangers have no more turns because of it"


async def test_a_device_stays_known_for_half_a_year_and_is_known_anew_by_each_sign_in(bench: Bench) -> None:
    first = await signed_in(bench, address=OWNER)
    assert first.device is not None
    assert first.device.expires_in == 180 * 24 * 60 * 60
    bench.clock.move(days=179)
    again = (await signed_in(bench, device=first.device.token, address=OWNER)).device
    assert again is not None
    bench.clock.move(days=1)
    await guess(bench, 10)
    assert codes(await sign_in(bench, device=first.device.token, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    await signed_in(bench, device=again.token, address=OWNER)


async def test_a_stolen_cookie_is_good_for_ten_guesses(bench: Bench) -> None:
    device = await device_of(bench)
    await guess(bench, 10)
    answers = await asyncio.gather(
        *(sign_in(bench, password=WRONG, device=device, address=f"203.0.113.{number}") for number in range(2, 14))
    )
    told = [codes(answer)[0][0] for answer in answers]
    assert (told.count("SIGN_IN_FAILED"), told.count("TOO_MANY_ATTEMPTS")) == (10, 2)
    assert codes(await sign_in(bench, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    bench.clock.move(seconds=60)
    fresh = (await signed_in(bench, device=device, address=OWNER)).device
    assert fresh is not None
    assert await guess(bench, 10) == ["SIGN_IN_FAILED"] * 10, "strangers' failures were forgotten"
    await signed_in(bench, device=fresh.token, address=OWNER)


async def test_a_device_is_known_for_one_account(bench: Bench) -> None:
    await registered(bench, username="naapuri", address=OWNER)
    theirs = await device_of(bench, "naapuri")
    await guess(bench, 10)
    for device in (theirs, "made.up.token", "", "x.1.y", "ä.ö.å", (await device_of(bench, "naapuri"))[:-2]):
        assert codes(await sign_in(bench, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]


async def test_a_known_device_does_not_outrun_its_address(bench: Bench) -> None:
    device = await device_of(bench)
    await bench.pool.execute("UPDATE attempts SET count = 50 WHERE scope = 'ADDRESS'")
    assert codes(await sign_in(bench, device=device, address=OWNER)) == [("TOO_MANY_ATTEMPTS", "")]
    bench.clock.move(minutes=15)
    await signed_in(bench, device=device, address=OWNER)


async def test_counts_of_failures_are_kept_for_a_day_and_those_of_none_not_so_long(bench: Bench) -> None:
    async def left() -> int:
        await forget(bench.pool, bench.clock.now())
        return int(await bench.pool.fetchval("SELECT count(*) FROM attempts"))

    await bench.pool.execute("DELETE FROM attempts")
    await guess(bench)
    await bench.pool.execute("UPDATE attempts SET count = 50 WHERE scope = 'ADDRESS'")
    for number in range(5):
        assert codes(await sign_in(bench, f"name {number}", address=ATTACKER)) == [("TOO_MANY_ATTEMPTS", "")]
    bench.clock.move(minutes=15)
    assert await left() == 2, "the address' and Mirja's"
    bench.clock.move(hours=23, minutes=44)
    assert await left() == 2
    bench.clock.move(minutes=1)
    assert await left() == 0


async def test_the_token_of_a_device_tells_nothing_of_its_user(bench: Bench, user_id: str) -> None:
    device = await device_of(bench)
    stored = await bench.pool.fetchval("SELECT id FROM users")
    assert not any(text in device for text in (user_id, user_id.partition("_")[2], str(stored), stored.hex, "mirja"))
    kept = b"".join(row["key"] for row in await bench.pool.fetch("SELECT key FROM attempts"))
    assert device.partition(".")[0].encode() not in kept


async def test_a_refresh_makes_no_device_known(bench: Bench) -> None:
    session = await signed_in(bench, address=OWNER)
    refreshed = await bench.offering(stranger()).refresh(session.refresh_token)
    assert expect(SignedIn, refreshed).device is None
