"""Many who sign in at once keep nobody else from anything."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from services.contracts.identity import SignedIn
from services.contracts.values import Outcome
from services.identity.store.hashing_queue import OF_AN_ADDRESS, TURNS
from services.identity.store.passwords import Argon2Passwords
from tests.component.identity.steps import (
    Bench,
    codes,
    customers,
    expect,
    register,
    registered,
    sign_in,
    signed_in,
    stranger,
)

COUNTED = "SELECT coalesce(sum(count), 0) FROM attempts WHERE scope = 'ADDRESS'"


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every hash waits until this is set."""
    go_on, slowly_verify = threading.Event(), Argon2Passwords._verify
    go_on.set()

    def verify(self: Argon2Passwords, kept: str, password: str) -> bool:
        go_on.wait()
        return slowly_verify(self, kept, password)

    monkeypatch.setattr(Argon2Passwords, "_verify", verify)
    yield go_on
    go_on.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def until_counted(bench: Bench) -> None:
    """Wait until every turn is taken, and its attempt counted."""
    async with asyncio.timeout(60):
        while await bench.pool.fetchval(COUNTED) < TURNS:
            await asyncio.sleep(0.01)


async def test_a_refresh_waits_behind_no_hash(bench: Bench, hashing: threading.Event) -> None:
    await customers(bench)
    await registered(bench)
    session = await signed_in(bench)
    hashing.clear()
    offering = bench.offering(stranger())
    flood = [asyncio.create_task(offering.sign_in(f"name {number}", "not the password")) for number in range(300)]
    await until(lambda: sum(task.done() for task in flood) == 300 - TURNS - OF_AN_ADDRESS)
    await until_counted(bench)
    expect(SignedIn, await offering.refresh(session.refresh_token))
    assert await bench.pool.fetchval(COUNTED) == TURNS, "whoever waits has not begun"
    assert bench.pool.get_size() == bench.pool.get_idle_size(), "nobody holds a connection to wait"

    hashing.set()
    answers = [codes(await task)[0][0] for task in flood]
    assert answers.count("OVERLOADED") == 300 - TURNS - OF_AN_ADDRESS
    assert answers.count("SIGN_IN_FAILED") == TURNS + OF_AN_ADDRESS
    assert await bench.pool.fetchval(COUNTED) == TURNS + OF_AN_ADDRESS, "what was not tried is not counted"


async def test_another_address_has_its_turn_beside_a_flood(bench: Bench, hashing: threading.Event) -> None:
    await customers(bench)
    hashing.clear()
    ended: list[str] = []

    async def end(name: str, answer: Awaitable[Outcome]) -> None:
        await answer
        ended.append(name)

    flood = [end("flood", sign_in(bench, "nobody")) for _ in range(TURNS + OF_AN_ADDRESS)]
    tasks = [asyncio.create_task(one) for one in flood]
    await until_counted(bench)
    tasks.append(asyncio.create_task(end("other", register(bench, address="198.51.100.7"))))
    await asyncio.sleep(0)
    hashing.set()
    await asyncio.gather(*tasks)
    assert await bench.pool.fetchval("SELECT count(*) FROM users") == 1
    assert ended.index("other") < OF_AN_ADDRESS, "those who came before it wait longer"
