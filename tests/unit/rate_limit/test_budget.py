"""The budget of one process without Redis: the test grants the leases."""

import timeit

import pytest

from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import Policy
from gateway.rate_limit.shared_clock import SharedClock
from gateway.rate_limit.window import INFINITE_UNITS, Window

POLICY = Policy("user", quota=1000, window_s=60)


class BudgetFixture:
    """A budget with a manual clock, and its requested leases."""

    def __init__(self, policy: Policy = POLICY, gateways: int = 1, max_windows: int = 1000, now: float = 5.0) -> None:
        self.now = now
        self.clock = SharedClock(lambda: self.now)
        self.clock.offset = 1_800_000_000.0 - now
        self.requested: list[Window] = []
        self.budget = Budget(policy, gateways, self.clock, self._request_lease, max_windows)

    def _request_lease(self, _: Budget, window: Window) -> None:
        window.is_lease_pending = True
        self.requested.append(window)

    def grant(self, granted: int, free: int) -> bool:
        """Grant the lease requested last."""
        window = self.requested.pop()
        return window.apply_lease(window.balance, granted, free, renew_below_when_exhausted=-INFINITE_UNITS)


def test_header_fields_of_an_admitted_request() -> None:
    fixture = BudgetFixture()
    spent = fixture.budget.spend("anna", 40)
    assert spent.allowed and (spent.remaining, spent.retry_after) == (960, 0)
    assert 1 <= spent.resets_in <= 60
    assert dict(spent.fields()) == {
        b"ratelimit-policy": b'"user";q=1000;w=60',
        b"ratelimit": b'"user";r=960;t=%d' % spent.resets_in,
    }


def test_credit_is_one_chunk() -> None:
    fixture = BudgetFixture()
    assert fixture.budget.chunk == 50
    assert all(fixture.budget.spend("anna", 10).allowed for _ in range(5))
    refused = fixture.budget.spend("anna", 10)
    assert not refused.allowed
    assert dict(refused.fields())[b"retry-after"] == b"1"  # until the lease arrives
    assert dict(refused.fields())[b"ratelimit"] == b'"user";r=0;t=1'
    fixture.grant(100, 900)
    assert fixture.budget.spend("anna", 10).remaining == 940


def test_one_request_may_cost_more_than_a_chunk() -> None:
    fixture = BudgetFixture()
    assert fixture.budget.spend("anna", 1000).allowed
    assert not fixture.budget.spend("anna", 1).allowed
    assert not fixture.budget.spend("berit", 1001).allowed
    assert fixture.budget.spend("berit", 999).allowed


def test_a_lease_is_requested_once_and_in_time() -> None:
    fixture = BudgetFixture()
    fixture.budget.spend("anna", 25)
    assert not fixture.requested, "a caller who spends little causes no call to Redis"
    fixture.budget.spend("anna", 1)
    fixture.budget.spend("anna", 1)
    assert len(fixture.requested) == 1
    fixture.grant(27 + 50, 900)
    fixture.budget.spend("anna", 25)
    assert not fixture.requested, "half of the lease is left"
    fixture.budget.spend("anna", 1)
    assert len(fixture.requested) == 1


def test_units_spent_while_a_lease_is_pending_are_requested_at_once() -> None:
    fixture = BudgetFixture()
    fixture.budget.spend("anna", 30)
    window = fixture.requested.pop()
    balance = window.balance
    fixture.budget.spend("anna", 20)
    assert window.apply_lease(balance, 30, 970, renew_below_when_exhausted=-INFINITE_UNITS)


def test_an_exhausted_quota_is_refused_until_the_window_ends() -> None:
    fixture = BudgetFixture()
    fixture.budget.spend("anna", 30)
    fixture.grant(50, 0)
    assert fixture.budget.spend("anna", 15).remaining == 5
    refused = fixture.budget.spend("anna", 6)
    assert refused.retry_after == refused.resets_in > 1 and refused.remaining == 5
    assert fixture.budget.spend("anna", 5).allowed, "a refused request costs nothing"
    assert not fixture.requested, "no units are free, so no lease is requested"
    fixture.now += refused.retry_after
    again = fixture.budget.spend("anna", 6)
    assert again.allowed and again.remaining == 994


def test_windows_are_the_same_in_all_processes_and_differ_by_caller() -> None:
    one, other = BudgetFixture(), BudgetFixture(now=777_777.25)
    keys = [f"caller {number}" for number in range(50)]
    resets = [one.budget.spend(key, 1).resets_in for key in keys]
    assert resets == [other.budget.spend(key, 1).resets_in for key in keys]
    assert len(set(resets)) > 20, "callers do not all retry at once"


def test_a_shared_clock_that_is_set_back_frees_no_units() -> None:
    fixture = BudgetFixture()
    spent = fixture.budget.spend("anna", 1000)
    fixture.now += spent.resets_in - 0.9
    fixture.clock.offset -= 5
    fixture.now += 1.0
    again = fixture.budget.spend("anna", 1)
    assert not again.allowed


def test_the_shared_clock_follows_redis_within_the_round_trip() -> None:
    clock = SharedClock(lambda: 100.0)
    clock.synchronize(sent_at=100.0, received_at=100.2, server_time=5000.1)
    assert clock.offset == pytest.approx(4900.0)
    clock.synchronize(sent_at=110.0, received_at=111.0, server_time=5010.9)
    assert clock.offset == pytest.approx(4900.0), "the offset is possible with the slow response"
    clock.synchronize(sent_at=120.0, received_at=120.2, server_time=4000.1)
    assert clock.offset == pytest.approx(3880.0)


def test_windows_are_bounded_and_evicted_once_they_have_ended() -> None:
    fixture = BudgetFixture()
    for number in range(5000):
        fixture.budget.spend(f"10.0.{number >> 8}.{number & 255}", 1)
        assert len(fixture.budget) <= 1000
    fixture.now += 61
    for number in range(600):
        fixture.budget.spend(f"newcomer {number}", 1)
    assert len(fixture.budget) == 600, "each new window evicted two ended ones"
    fixture.now += 61
    fixture.budget.evict(fixture.now, limit=200)
    assert len(fixture.budget) == 400
    fixture.budget.evict(fixture.now, limit=2000)
    assert len(fixture.budget) == 0


def test_the_credit_of_all_gateways_is_at_most_a_quarter_of_the_quota() -> None:
    for gateways in range(1, 30):
        assert gateways * BudgetFixture(Policy("user", 60_000, 60), gateways).budget.chunk <= 15_000


def test_invalid_policies_are_refused() -> None:
    for name, quota, window_s in (('us"er', 1, 1), ("", 1, 1), ("user", 0, 1), ("user", 1, 0)):
        with pytest.raises(ValueError, match="invalid policy"):
            Policy(name, quota, window_s)


def test_spending_takes_less_than_50_microseconds() -> None:
    budget = BudgetFixture(Policy("user", 10**12, 60)).budget
    seconds = min(timeit.repeat(lambda: budget.spend("anna", 100), number=10_000, repeat=20)) / 10_000
    assert seconds < 50e-6
