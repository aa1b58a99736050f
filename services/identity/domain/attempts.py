"""Limits on attempts at guessing (I2).

A limit applies to the source of attempts. An address, which many may share, has 50 attempts in 15 minutes. An account
(or a customer number) has a gate, which slows down the attempts of all unknown devices together, but locks none out:
after 10 failures it admits one in 30 seconds, after 100 one in 15 minutes, until a day passes without an admission. A
device that the account was signed in from before skips the gate: its own failures are counted, and after 10 of them it
counts as unknown.

When a gate refuses, its next slot is reserved for the first attempt from another address than the last admitted one:
permanent attempts from one address do not take every slot. A successful attempt resets the failures of the gate or the
device that admitted it; that of a known device does not reset the gate. The owner is told by mail when a gate begins to
slow down, and resets it by the link in that mail (I6).

An attempt is counted before it is made and refunded when it succeeds, so that a hundred concurrent attempts are not a
hundred guesses.
"""

import datetime as dt
import enum
import math
from collections.abc import Mapping, Sequence

import msgspec

from services.contracts.values import Refusal, refuse

WINDOW = dt.timedelta(minutes=15)
MAX_PER_ADDRESS = 50
MAX_PER_DEVICE = 10
FAILURE_EXPIRY = dt.timedelta(days=1)
"""The count of failures is reset after so long without another."""
BACKOFF_STEPS = ((100, dt.timedelta(minutes=15)), (10, dt.timedelta(seconds=30)))
"""The interval of a gate's admissions by the least number of failures."""
RESERVATION = dt.timedelta(seconds=30)
"""The time for which a slot stays reserved."""
LOCK_THRESHOLD = BACKOFF_STEPS[-1][0]
"""The failures from which a gate slows attempts down."""


class Scope(enum.Enum):
    """The scopes of counters."""

    ADDRESS = "ADDRESS"
    CURRENT_PASSWORD = "CURRENT_PASSWORD"  # noqa: S105 - a scope, not a secret
    """Of a signed-in user's own password, apart from sign-ins: those of others do not keep them from changing it."""
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    DEVICE = "DEVICE"
    MACHINE_ADDRESS = "MACHINE_ADDRESS"
    """Of wrong client secrets, apart from wrong passwords from the same address."""
    RECOVERY = "RECOVERY"
    """Of mails that anyone may request for a username or an address."""
    USERNAME = "USERNAME"


WINDOWS: Mapping[Scope, tuple[int, dt.timedelta]] = {
    Scope.ADDRESS: (MAX_PER_ADDRESS, WINDOW),
    Scope.MACHINE_ADDRESS: (MAX_PER_ADDRESS, WINDOW),
    Scope.CURRENT_PASSWORD: (10, WINDOW),
    Scope.RECOVERY: (5, dt.timedelta(hours=1)),
}
"""The most attempts, and in how long, of the scopes that have no gate."""


class AttemptCounter(msgspec.Struct, frozen=True):
    """The key of a count: an address, a device or a name, by its digest."""

    scope: Scope
    key: bytes


class AttemptCount(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a count."""

    counter: AttemptCounter
    count: int
    since: dt.datetime
    """The start of an address's window; for a gate or device the last admission."""
    admitted_from: bytes = b""
    """The key of the address that a gate last admitted."""
    reserved_for: bytes = b""
    """The key of the address that a gate's next slot is reserved for."""


class AttemptDecision(msgspec.Struct, frozen=True):
    """The decision on an attempt."""

    counts: list[AttemptCount]
    """The counts with the attempt."""
    locks: bool = False
    """Whether a gate slows down the attempts after this one, if it fails."""
    wait: dt.timedelta | None = None
    """The time until the next attempt, if this one is refused."""

    @property
    def refusal(self) -> Refusal | None:
        """TOO_MANY_ATTEMPTS with the ``seconds`` until the next attempt, if this one is refused."""
        if self.wait is None:
            return None
        return refuse("TOO_MANY_ATTEMPTS", retryable=True, seconds=math.ceil(self.wait.total_seconds()))


def check_attempt(
    address: AttemptCount, gate: AttemptCount, device: AttemptCount | None, now: dt.datetime
) -> AttemptDecision:
    """Decide on an attempt at the account of ``gate``, from ``address`` and from ``device``, if that is known."""
    from_address = check_windows([address], now)
    if from_address.wait is not None:
        return from_address
    if device is not None:
        device = _reset_if_expired(device, now)
        if device.count < MAX_PER_DEVICE:
            counted = msgspec.structs.replace(device, count=device.count + 1, since=now)
            return AttemptDecision([*from_address.counts, counted])
    at_gate = _check_gate(gate, address.counter.key, now)
    locks = at_gate.wait is None and at_gate.counts[0].count == LOCK_THRESHOLD
    return AttemptDecision([*from_address.counts, *at_gate.counts], wait=at_gate.wait, locks=locks)


def check_windows(counts: Sequence[AttemptCount], now: dt.datetime) -> AttemptDecision:
    """Decide on an attempt that is counted in windows. A full window stays full to its end; no other counts it then."""
    counts = [_reset_if_over(count, now) for count in counts]
    for count in counts:
        most, window = WINDOWS[count.counter.scope]
        if count.count >= most:
            return AttemptDecision(counts, wait=count.since + window - now)
    return AttemptDecision([msgspec.structs.replace(count, count=count.count + 1) for count in counts])


def _reset_if_over(count: AttemptCount, now: dt.datetime) -> AttemptCount:
    _, window = WINDOWS[count.counter.scope]
    is_over = not count.count or now >= count.since + window
    return msgspec.structs.replace(count, count=0, since=now) if is_over else count


def _check_gate(gate: AttemptCount, address: bytes, now: dt.datetime) -> AttemptDecision:
    gate = _reset_if_expired(gate, now)
    interval = next((interval for failures, interval in BACKOFF_STEPS if gate.count >= failures), None)
    if interval is not None:
        is_reserved = gate.reserved_for not in (b"", address)
        wait = gate.since + interval + (RESERVATION if is_reserved else dt.timedelta()) - now
        if wait > dt.timedelta():
            reserved_for = gate.reserved_for or (address if address != gate.admitted_from else b"")
            return AttemptDecision([msgspec.structs.replace(gate, reserved_for=reserved_for)], wait=wait)
    return AttemptDecision([AttemptCount(counter=gate.counter, count=gate.count + 1, since=now, admitted_from=address)])


def _reset_if_expired(count: AttemptCount, now: dt.datetime) -> AttemptCount:
    return count if now < count.since + FAILURE_EXPIRY else AttemptCount(counter=count.counter, count=0, since=now)
