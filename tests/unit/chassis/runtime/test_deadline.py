"""Deadlines: the earlier one holds, blocks are cancelled at it, and calls carry it as a header field."""

import asyncio
from math import inf

import pytest

from services.chassis.runtime import deadline
from services.chassis.runtime.deadline import DeadlineExceeded


def test_without_a_deadline_there_is_no_remaining_time() -> None:
    assert deadline.remaining() is None
    assert deadline.expires_at() == inf
    with deadline.within(None):
        assert deadline.remaining() is None


def test_the_earlier_of_two_deadlines_applies() -> None:
    with deadline.within(10):
        outer = deadline.expires_at()
        with deadline.within(20):
            assert deadline.expires_at() == outer
        with deadline.within(1):
            assert 0.9 < (deadline.remaining() or 0) <= 1
        with deadline.within(None):
            assert deadline.expires_at() == outer
        assert deadline.expires_at() == outer
    assert deadline.remaining() is None


def test_the_remaining_time_after_a_deadline_is_negative() -> None:
    with deadline.within(-1):
        assert (deadline.remaining() or 0) < -0.9


async def test_a_deadline_is_inherited_only_by_tasks_started_within_it() -> None:
    async def see() -> float | None:
        return deadline.remaining()

    async def begin() -> float | None:
        deadline.begin(5)
        deadline.begin(7)
        return await asyncio.create_task(see())

    assert 4 < (await asyncio.create_task(begin()) or 0) <= 5
    assert deadline.remaining() is None


async def test_a_late_block_is_cancelled() -> None:
    ended = False
    with deadline.within(0.01), pytest.raises(DeadlineExceeded):
        async with deadline.enforced():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended = True
                raise
    assert ended


async def test_a_block_in_time_is_not_cancelled() -> None:
    async with deadline.enforced():
        await asyncio.sleep(0)
    with deadline.within(10):
        async with deadline.enforced():
            await asyncio.sleep(0)


async def test_a_timeout_of_the_blocks_own_is_no_deadline() -> None:
    with deadline.within(10), pytest.raises(TimeoutError):
        async with deadline.enforced():
            raise TimeoutError


async def test_a_cancellation_from_outside_is_no_expired_deadline() -> None:
    async def wait() -> None:
        with deadline.within(10):
            async with deadline.enforced():
                await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize(
    ("field", "seconds"), [("1", 0.001), ("2950", 2.95), ("0", 0.0), ("007", 0.007), ("999999999", 999_999.999)]
)
def test_a_deadline_field_is_parsed(field: str, seconds: float) -> None:
    assert deadline.parse_timeout(field) == seconds


@pytest.mark.parametrize(
    "field", [None, "", "soon", "-1", "+1", "1.5", "1e3", " 1", "1 ", "1\n", "0x10", "٣", "1" * 10]
)
def test_nonsense_is_ignored(field: str | None) -> None:
    assert deadline.parse_timeout(field) is None


@pytest.mark.parametrize(("seconds", "timeout_ms"), [(10, 9950), (3.0, 2950), (0.1, 90), (0.05, 45), (0.0001, 1)])
def test_a_server_gets_the_remaining_time_less_a_margin(seconds: float, timeout_ms: int) -> None:
    assert deadline.outgoing_timeout_ms(seconds) == timeout_ms
