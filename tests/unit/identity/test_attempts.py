"""I2: whatever strangers do, they guess slowly, and who has a right to come in gets a turn."""

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
    check_address,
    check_attempt,
)

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
PACE = 30 * SECOND

Step = tuple[float, str]
"""How many seconds pass, and who tries then."""


def count(scope: Scope, key: bytes = b"", number: int = 0, since: dt.datetime = NOW) -> AttemptCount:
    return AttemptCount(counter=AttemptCounter(scope, key), count=number, since=since)


class AttemptHistory:
    """An account and all who try to get in there: the counts, as they are kept from one attempt to the next."""

    def __init__(self, failures: int = 0, last: str = "") -> None:
        self.now = NOW
        self.gate = AttemptCount(
            counter=AttemptCounter(Scope.USERNAME, b""), count=failures, since=NOW, admitted_from=last.encode()
        )
        self.others: dict[AttemptCounter, AttemptCount] = {}

    def attempt(self, address: str, device: str = "") -> dt.timedelta | None:
        """Try now; how long to wait, if the attempt was not let through."""
        known = self._count(Scope.DEVICE, device) if device else None
        judged = check_attempt(self._count(Scope.ADDRESS, address), self.gate, known, self.now)
        for one in judged.counts:
            if one.counter == self.gate.counter:
                self.gate = one
            else:
                self.others[one.counter] = one
        return judged.wait

    def _count(self, scope: Scope, key: str) -> AttemptCount:
        fresh = count(scope, key.encode(), since=self.now)
        return self.others.get(fresh.counter, fresh)


def steps(names: str) -> st.SearchStrategy[list[Step]]:
    step = st.tuples(st.sampled_from([0.0, 0.5, 1.0, 10.0, 29.0, 30.0, 31.0, 900.0]), st.sampled_from(names))
    return st.lists(step, max_size=60)


@pytest.mark.parametrize(
    ("failures", "passed", "wait"),
    [
        (0, 0 * SECOND, None),
        (9, 0 * SECOND, None),
        (10, 0 * SECOND, PACE),
        (10, 29.5 * SECOND, 0.5 * SECOND),
        (10, PACE, None),
        (99, PACE, None),
        (100, PACE, dt.timedelta(minutes=14, seconds=30)),
        (100, dt.timedelta(minutes=15), None),
        (10**6, dt.timedelta(minutes=15), None),
        (10**6, FAILURE_EXPIRY, None),
    ],
)
def test_the_more_failures_the_longer_strangers_wait(
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
def test_a_day_without_failures_begins_anew(passed: dt.timedelta, number: int) -> None:
    account = AttemptHistory(500)
    account.now += passed
    assert account.attempt("a") is None
    assert account.gate.count == number


@given(steps("abcd"))
def test_strangers_never_guess_faster_than_their_pace_however_many_they_are(tries: list[Step]) -> None:
    account = AttemptHistory()
    let_through: list[dt.datetime] = []
    for seconds, who in tries * 3:
        account.now += seconds * SECOND
        if account.attempt(who) is None:
            if len(let_through) >= 10:
                assert account.now - let_through[-1] >= PACE
            if len(let_through) >= 100:
                assert account.now - let_through[-1] >= dt.timedelta(minutes=15)
            let_through.append(account.now)


@given(st.integers(10, 99), steps("a"), steps("a"))
def test_who_is_sent_away_has_a_turn_when_it_was_said_whatever_one_attacker_does(
    failures: int, before: list[Step], meanwhile: list[Step]
) -> None:
    account = AttemptHistory(failures, last="a")
    for seconds, who in before[:20]:
        account.now += seconds * SECOND
        account.attempt(who)
    wait = account.attempt("owner")
    assert wait is None or wait <= (PACE if account.gate.count < 100 else WINDOW)
    if wait is not None:
        end = account.now + wait
        for seconds, who in meanwhile:
            account.now = min(account.now + seconds * SECOND, end)
            assert account.attempt(who) is not None
        account.now = end
        assert account.attempt("owner") is None


@given(steps("abc"))
def test_a_turn_is_kept_for_nobody_longer_than_that(tries: list[Step]) -> None:
    account = AttemptHistory(10)
    for seconds, who in tries:
        account.now += seconds * SECOND
        account.attempt(who)
    account.now += dt.timedelta(minutes=15) + RESERVATION
    assert account.attempt("d") is None


@given(steps("ab"), st.integers(0, MAX_PER_DEVICE - 1))
def test_a_known_device_passes_whatever_strangers_do_and_tells_the_gate_nothing(
    tries: list[Step], mistyped: int
) -> None:
    account = AttemptHistory(1000)
    for seconds, who in tries:
        account.now += seconds * SECOND
        account.attempt(who)
    before = account.gate
    for _ in range(mistyped + 1):
        assert account.attempt("owner", "phone") is None
    assert account.gate == before


def test_a_device_that_fails_ten_times_is_a_stranger_for_a_day() -> None:
    account = AttemptHistory(10)
    assert [account.attempt("a", "phone") for _ in range(11)] == [None] * 10 + [PACE]
    assert account.attempt("a", "another phone") is None
    account.now += PACE
    assert [account.attempt("a", "phone") for _ in range(2)] == [None, PACE]
    account.now += FAILURE_EXPIRY
    account.gate = AttemptHistory(1000).gate
    assert account.attempt("a", "phone") is None


def test_an_address_has_fifty_attempts_in_a_window_whatever_they_are_at() -> None:
    accounts = [AttemptHistory() for _ in range(60)]
    for account in accounts:
        account.others = accounts[0].others
    waits = [account.attempt("a", "phone" * (place % 2)) for place, account in enumerate(accounts)]
    assert waits == [None] * MAX_PER_ADDRESS + [WINDOW] * 10
    assert accounts[50].gate.count == accounts[51].gate.count == 0, "what is not let through is not counted there"
    assert accounts[0].attempt("b") is None
    accounts[0].now += WINDOW
    assert accounts[0].attempt("a") is None


def test_what_a_gate_sends_away_is_counted_for_its_address() -> None:
    account = AttemptHistory(10)
    assert [account.attempt("a") for _ in range(51)][-2:] == [PACE, WINDOW]


@given(st.integers(0, 3 * MAX_PER_ADDRESS), st.floats(0, 2 * WINDOW.total_seconds()))
def test_a_window_ends_where_it_said(number: int, seconds: float) -> None:
    now = NOW + seconds * SECOND
    judged = check_address(count(Scope.ADDRESS, number=number), now)
    if judged.wait is not None:
        assert check_address(judged.counts[0], now + judged.wait).wait is None


def test_a_wait_is_told_in_whole_seconds_that_are_enough() -> None:
    assert AttemptDecision([]).refusal is None
    refusal = AttemptDecision([], 0.2 * SECOND).refusal
    assert refusal is not None
    (problem,) = refusal.problems
    assert (problem.code, problem.retryable, problem.params) == ("TOO_MANY_ATTEMPTS", True, {"seconds": "1"})
