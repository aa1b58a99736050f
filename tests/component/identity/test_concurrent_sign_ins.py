"""Many concurrent sign-ins leave connections and slots to other requests."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from services.contracts.identity.sessions import SignedIn
from services.contracts.values import Outcome
from services.identity.hashing.argon2 import Argon2Passwords
from services.identity.hashing.queue import CONCURRENCY, MAX_WAITING_PER_ADDRESS
from tests.component.identity.actions import (
    Harness,
    anonymous,
    codes,
    customers,
    expect,
    register,
    registered,
    sign_in,
    signed_in,
)

COUNTED = "SELECT coalesce(sum(count), 0) FROM attempts WHERE scope = 'ADDRESS'"


@pytest.fixture
def hash_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The event that every hash waits for."""
    gate, original_verify = threading.Event(), Argon2Passwords._verify
    gate.set()

    def verify(self: Argon2Passwords, password_hash: str, password: str) -> bool:
        gate.wait()
        return original_verify(self, password_hash, password)

    monkeypatch.setattr(Argon2Passwords, "_verify", verify)
    yield gate
    gate.set()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def await_counted(harness: Harness) -> None:
    """Wait until every slot is taken, and its attempt counted."""
    async with asyncio.timeout(60):
        while await harness.pool.fetchval(COUNTED) < CONCURRENCY:
            await asyncio.sleep(0.01)


async def test_a_refresh_waits_behind_no_hash(harness: Harness, hash_gate: threading.Event) -> None:
    await customers(harness)
    await registered(harness)
    session = await signed_in(harness)
    hash_gate.clear()
    api = harness.api(anonymous())
    flood = [asyncio.create_task(api.sign_in(f"name {number}", "not the password")) for number in range(300)]
    await until(lambda: sum(task.done() for task in flood) == 300 - CONCURRENCY - MAX_WAITING_PER_ADDRESS)
    await await_counted(harness)
    expect(SignedIn, await api.refresh(session.refresh_token))
    assert await harness.pool.fetchval(COUNTED) == CONCURRENCY, "waiting requests are not counted yet"
    assert harness.pool.get_size() == harness.pool.get_idle_size(), "waiting requests hold no connection"

    hash_gate.set()
    answers = [codes(await task)[0][0] for task in flood]
    assert answers.count("OVERLOADED") == 300 - CONCURRENCY - MAX_WAITING_PER_ADDRESS
    assert answers.count("SIGN_IN_FAILED") == CONCURRENCY + MAX_WAITING_PER_ADDRESS
    assert await harness.pool.fetchval(COUNTED) == CONCURRENCY + MAX_WAITING_PER_ADDRESS, (
        "refused requests are not counted"
    )


async def test_another_address_is_served_during_a_flood(harness: Harness, hash_gate: threading.Event) -> None:
    await customers(harness)
    hash_gate.clear()
    finished: list[str] = []

    async def finish(name: str, answer: Awaitable[Outcome]) -> None:
        await answer
        finished.append(name)

    flood = [finish("flood", sign_in(harness, "nobody")) for _ in range(CONCURRENCY + MAX_WAITING_PER_ADDRESS)]
    tasks = [asyncio.create_task(one) for one in flood]
    await await_counted(harness)
    tasks.append(asyncio.create_task(finish("other", register(harness, address="198.51.100.7"))))
    await asyncio.sleep(0)
    hash_gate.set()
    await asyncio.gather(*tasks)
    assert await harness.pool.fetchval("SELECT count(*) FROM users") == 1
    assert finished.index("other") < MAX_WAITING_PER_ADDRESS, "earlier requests of the flooding address wait longer"
