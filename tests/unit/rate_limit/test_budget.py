"""One process's count of its callers, without Redis: the answers to its questions are given by the test."""

import timeit

import pytest

from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import INFINITE_UNITS, Window

POLICY = Policy("user", quota=1000, window_s=60)


class BudgetFixture:
    """A budget on a clock that the test moves."""

    def __init__(self, policy: Policy = POLICY, gateways: int = 1, most_windows: int = 1000, now: float = 5.0) -> None:
        self.now = now
        self.clock = SharedClock(lambda: self.now)
        self.clock.offset = 1_800_000_000.0 - now
        self.asked: list[Window] = []
        self.budget = Budget(policy, gateways, self.clock, self._ask, most_windows)

    def _ask(self, _: Budget, window: Window) -> None:
        window.is_lease_pending = True
        self.asked.append(window)

    def grant(self, granted: int, free: int) -> bool:
        """Answer the last question."""
        window = self.asked.pop()
        return window.lease(window.balance, granted, free, when_none_is_free=-INFINITE_UNITS)


def test_what_a_request_is_told() -> None:
    bench = BudgetFixture()
    spent = bench.budget.spend("anna", 40)
    assert spent.allowed and (spent.remaining, spent.retry_after) == (960, 0)
    assert 1 <= spent.resets_in <= 60
    assert dict(spent.fields()) == {
        b"ratelimit-policy": b'"user";q=1000;w=60',
        b"ratelimit": b'"user";r=960;t=%d' % spent.resets_in,
    }


def test_credit_is_a_chunk() -> None:
    bench = BudgetFixture()
    assert bench.budget.chunk == 50
    assert all(bench.budget.spend("anna", 10).allowed for _ in range(5))
    refused = bench.budget.spend("anna", 10)
    assert not refused.allowed
    assert dict(refused.fields())[b"retry-after"] == b"1"  # only the lease is to arrive
    assert dict(refused.fields())[b"ratelimit"] == b'"user";r=0;t=1'
    bench.grant(100, 900)
    assert bench.budget.spend("anna", 10).remaining == 940


def test_one_request_may_cost_more_than_a_chunk() -> None:
    bench = BudgetFixture()
    assert bench.budget.spend("anna", 1000).allowed
    assert not bench.budget.spend("anna", 1).allowed
    assert not bench.budget.spend("berit", 1001).allowed
    assert bench.budget.spend("berit", 999).allowed


def test_a_lease_is_asked_for_once_and_in_time() -> None:
    bench = BudgetFixture()
    bench.budget.spend("anna", 25)
    assert not bench.asked, "whoever spends little costs Redis nothing"
    bench.budget.spend("anna", 1)
    bench.budget.spend("anna", 1)
    assert len(bench.asked) == 1
    bench.grant(27 + 50, 900)
    bench.budget.spend("anna", 25)
    assert not bench.asked, "half of what was leased ahead is there"
    bench.budget.spend("anna", 1)
    assert len(bench.asked) == 1


def test_what_was_spent_while_a_lease_was_on_its_way_is_asked_for_at_once() -> None:
    bench = BudgetFixture()
    bench.budget.spend("anna", 30)
    window = bench.asked.pop()
    asked_with = window.balance
    bench.budget.spend("anna", 20)
    assert window.lease(asked_with, 30, 970, when_none_is_free=-INFINITE_UNITS)


def test_a_spent_quota_is_refused_until_the_windows_end() -> None:
    bench = BudgetFixture()
    bench.budget.spend("anna", 30)
    bench.grant(50, 0)
    assert bench.budget.spend("anna", 15).remaining == 5
    refused = bench.budget.spend("anna", 6)
    assert refused.retry_after == refused.resets_in > 1 and refused.remaining == 5
    assert bench.budget.spend("anna", 5).allowed, "what was refused cost nothing"
    assert not bench.asked, "none is free, so none is asked for"
    bench.now += refused.retry_after
    again = bench.budget.spend("anna", 6)
    assert again.allowed and again.remaining == 994


def test_windows_of_two_processes_are_the_same_and_those_of_two_callers_are_not() -> None:
    one, other = BudgetFixture(), BudgetFixture(now=777_777.25)
    keys = [f"caller {number}" for number in range(50)]
    ends = [one.budget.spend(key, 1).resets_in for key in keys]
    assert ends == [other.budget.spend(key, 1).resets_in for key in keys]
    assert len(set(ends)) > 20, "so they do not all come back at once"


def test_a_shared_clock_that_goes_back_gives_nothing_back() -> None:
    bench = BudgetFixture()
    spent = bench.budget.spend("anna", 1000)
    bench.now += spent.resets_in - 0.9
    bench.clock.offset -= 5
    bench.now += 1.0
    again = bench.budget.spend("anna", 1)
    assert not again.allowed


def test_the_shared_clock_is_what_redis_says_as_exactly_as_that_can_be_known() -> None:
    clock = SharedClock(lambda: 100.0)
    clock.synchronize(asked=100.0, answered=100.2, said=5000.1)
    assert clock.offset == pytest.approx(4900.0)
    clock.synchronize(asked=110.0, answered=111.0, said=5010.9)
    assert clock.offset == pytest.approx(4900.0), "a slow answer fits"
    clock.synchronize(asked=120.0, answered=120.2, said=4000.1)
    assert clock.offset == pytest.approx(3880.0)


def test_memory_is_bounded_and_the_idle_are_forgotten() -> None:
    bench = BudgetFixture()
    for number in range(5000):
        bench.budget.spend(f"10.0.{number >> 8}.{number & 255}", 1)
        assert len(bench.budget) <= 1000
    bench.now += 61
    for number in range(600):
        bench.budget.spend(f"newcomer {number}", 1)
    assert len(bench.budget) == 600, "each took two along that had ended"
    bench.now += 61
    bench.budget.evict(bench.now, most=200)
    assert len(bench.budget) == 400
    bench.budget.evict(bench.now, most=2000)
    assert len(bench.budget) == 0


def test_many_gateways_credit_is_a_quarter_of_the_quota_at_most() -> None:
    for gateways in range(1, 30):
        assert gateways * BudgetFixture(Policy("user", 60_000, 60), gateways).budget.chunk <= 15_000


def test_a_policy_that_is_none() -> None:
    for name, quota, window_s in (('us"er', 1, 1), ("", 1, 1), ("user", 0, 1), ("user", 1, 0)):
        with pytest.raises(ValueError, match="no policy"):
            Policy(name, quota, window_s)


def test_to_spend_takes_next_to_no_time() -> None:
    budget = BudgetFixture(Policy("user", 10**12, 60)).budget
    seconds = min(timeit.repeat(lambda: budget.spend("anna", 100), number=10_000, repeat=20)) / 10_000
    assert seconds < 50e-6
