"""I2: limits on attempts. Guessing is slow for unknown devices together, and the owner is never locked out."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.attempts import (
    FAILURE_EXPIRY,
    MAX_PER_ADDRESS,
    MAX_PER_DEVICE,
    RESERVATION,
    WINDOW,
    AttemptCount,
    AttemptCounter,
    AttemptDecision,
    Scope,
    check_attempt,
    check_windows,
)

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
INTERVAL = 30 * SECOND

Step = tuple[float, str]
"""Seconds that pass, and the address of the attempt then."""


def count(scope: Scope, key: bytes = b"", number: int = 0, since: dt.datetime = NOW) -> AttemptCount:
    return AttemptCount(counter=AttemptCounter(scope, key), count=number, since=since)


class AttemptHistory:
    """The counts of an account and of all sources of its attempts, from one attempt to the next."""

    def __init__(self, failures: int = 0, last: str = "") -> None:
        self.now = NOW
        self.gate = AttemptCount(
            counter=AttemptCounter(Scope.USERNAME, b""), count=failures, since=NOW, admitted_from=last.encode()
        )
        self.other_counts: dict[AttemptCounter, AttemptCount] = {}

    def attempt(self, address: str, device: str = "") -> dt.timedelta | None:
        """Attempt now. Return the time to wait, if the attempt is refused."""
        known = self._count(Scope.DEVICE, device) if device else None
        decision = check_attempt(self._count(Scope.ADDRESS, address), self.gate, known, self.now)
        for one in decision.counts:
            if one.counter == self.gate.counter:
                self.gate = one
            else:
                self.other_counts[one.counter] = one
        return decision.wait

    def _count(self, scope: Scope, key: str) -> AttemptCount:
        fresh = count(scope, key.encode(), since=self.now)
        return self.other_counts.get(fresh.counter, fresh)


def steps(names: str) -> st.SearchStrategy[list[Step]]:
    step = st.tuples(st.sampled_from([0.0, 0.5, 1.0, 10.0, 29.0, 30.0, 31.0, 900.0]), st.sampled_from(names))
    return st.lists(step, max_size=60)


@pytest.mark.parametrize(
    ("failures", "passed", "wait"),
    [
        (0, 0 * SECOND, None),
        (9, 0 * SECOND, None),
        (10, 0 * SECOND, INTERVAL),
        (10, 29.5 * SECOND, 0.5 * SECOND),
        (10, INTERVAL, None),
        (99, INTERVAL, None),
        (100, INTERVAL, dt.timedelta(minutes=14, seconds=30)),
        (100, dt.timedelta(minutes=15), None),
        (10**6, dt.timedelta(minutes=15), None),
        (10**6, FAILURE_EXPIRY, None),
    ],
)
def test_the_more_failures_the_longer_unknown_devices_wait(
    failures: int, passed: dt.timedelta, wait: dt.timedelta | None
) -> None:
    account = AttemptHistory(failures)
    account.now += passed
    assert account.attempt("a") == wait


@pytest.mark.parametrize(
    ("passed", "number"),
    [(FAILURE_EXPIRY - SECOND, 501), (FAILURE_EXPIRY, 1)],
    ids=["within a day", "after a day without failures"],
)
def test_a_day_without_failures_resets_the_count(passed: dt.timedelta, number: int) -> None:
    account = AttemptHistory(500)
    account.now += passed
    assert account.attempt("a") is None
    assert account.gate.count == number


@given(steps("abcd"))
def test_unknown_devices_together_never_exceed_the_rate_of_a_gate(tries: list[Step]) -> None:
    account = AttemptHistory()
    admitted: list[dt.datetime] = []
    for seconds, address in tries * 3:
        account.now += seconds * SECOND
        if account.attempt(address) is None:
            if len(admitted) >= 10:
                assert account.now - admitted[-1] >= INTERVAL
            if len(admitted) >= 100:
                assert account.now - admitted[-1] >= dt.timedelta(minutes=15)
            admitted.append(account.now)


@given(st.integers(10, 99), steps("a"), steps("a"))
def test_a_refused_address_is_admitted_at_the_stated_time_whatever_one_attacker_does(
    failures: int, before: list[Step], meanwhile: list[Step]
) -> None:
    account = AttemptHistory(failures, last="a")
    for seconds, address in before[:20]:
        account.now += seconds * SECOND
        account.attempt(address)
    wait = account.attempt("owner")
    assert wait is None or wait <= (INTERVAL if account.gate.count < 100 else WINDOW)
    if wait is not None:
        end = account.now + wait
        for seconds, address in meanwhile:
            account.now = min(account.now + seconds * SECOND, end)
            assert account.attempt(address) is not None
        account.now = end
        assert account.attempt("owner") is None


@given(steps("abc"))
def test_a_reservation_expires(tries: list[Step]) -> None:
    account = AttemptHistory(10)
    for seconds, address in tries:
        account.now += seconds * SECOND
        account.attempt(address)
    account.now += dt.timedelta(minutes=15) + RESERVATION
    assert account.attempt("d") is None


@given(steps("ab"), st.integers(0, MAX_PER_DEVICE - 1))
def test_a_known_device_skips_the_gate_and_does_not_change_it(tries: list[Step], mistyped: int) -> None:
    account = AttemptHistory(1000)
    for seconds, address in tries:
        account.now += seconds * SECOND
        account.attempt(address)
    before = account.gate
    for _ in range(mistyped + 1):
        assert account.attempt("owner", "phone") is None
    assert account.gate == before


def test_a_device_that_fails_ten_times_is_unknown_for_a_day() -> None:
    account = AttemptHistory(10)
    assert [account.attempt("a", "phone") for _ in range(11)] == [None] * 10 + [INTERVAL]
    assert account.attempt("a", "another phone") is None
    account.now += INTERVAL
    assert [account.attempt("a", "phone") for _ in range(2)] == [None, INTERVAL]
    account.now += FAILURE_EXPIRY
    account.gate = AttemptHistory(1000).gate
    assert account.attempt("a", "phone") is None


def test_an_address_has_fifty_attempts_in_a_window_for_all_accounts() -> None:
    accounts = [AttemptHistory() for _ in range(60)]
    for account in accounts:
        account.other_counts = accounts[0].other_counts
    waits = [account.attempt("a", "phone" * (index % 2)) for index, account in enumerate(accounts)]
    assert waits == [None] * MAX_PER_ADDRESS + [WINDOW] * 10
    assert accounts[50].gate.count == accounts[51].gate.count == 0, "refused attempts are not counted at the gate"
    assert accounts[0].attempt("b") is None
    accounts[0].now += WINDOW
    assert accounts[0].attempt("a") is None


def test_an_attempt_that_a_gate_refuses_is_counted_for_its_address() -> None:
    account = AttemptHistory(10)
    assert [account.attempt("a") for _ in range(51)][-2:] == [INTERVAL, WINDOW]


@given(st.integers(0, 3 * MAX_PER_ADDRESS), st.floats(0, 2 * WINDOW.total_seconds()))
def test_a_window_ends_after_the_stated_wait(number: int, seconds: float) -> None:
    now = NOW + seconds * SECOND
    decision = check_windows([count(Scope.ADDRESS, number=number)], now)
    if decision.wait is not None:
        assert check_windows(decision.counts, now + decision.wait).wait is None


def test_an_attempt_that_one_window_refuses_is_counted_in_none() -> None:
    counts = [count(Scope.ADDRESS, number=3), count(Scope.RECOVERY, number=5)]
    decision = check_windows(counts, NOW)
    assert decision.wait == dt.timedelta(hours=1)
    assert decision.counts == counts


def test_the_tenth_failure_of_unknown_devices_locks_once() -> None:
    def locks(failures: int, device: AttemptCount | None = None) -> bool:
        gate = AttemptCount(counter=AttemptCounter(Scope.USERNAME, b""), count=failures, since=NOW - INTERVAL)
        return check_attempt(count(Scope.ADDRESS), gate, device, NOW).locks

    assert [number for number in range(30) if locks(number)] == [9]
    assert not locks(9, count(Scope.DEVICE))
    refused = AttemptCount(counter=AttemptCounter(Scope.USERNAME, b""), count=10, since=NOW)
    assert not check_attempt(count(Scope.ADDRESS), refused, None, NOW).locks


def test_a_wait_is_rounded_up_to_whole_seconds() -> None:
    assert AttemptDecision([]).refusal is None
    refusal = AttemptDecision([], wait=0.2 * SECOND).refusal
    assert refusal is not None
    (problem,) = refusal.problems
    assert (problem.code, problem.retryable, problem.params) == ("TOO_MANY_ATTEMPTS", True, {"seconds": "1"})
