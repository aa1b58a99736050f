"""Limits on attempts at guessing (I2).

A limit applies to the source of attempts. An address, which many may share, has 50 attempts in 15 minutes. An account
(or a customer number) has a gate, which slows down the attempts of all unknown devices together, but locks none out:
after 10 failures it admits one in 30 seconds, after 100 one in 15 minutes, until a day passes without an admission. A
device that the account was signed in from before skips the gate: its own failures are counted, and after 10 of them it
counts as unknown.

When a gate refuses, its next slot is reserved for the first attempt from another address than the last admitted one:
permanent attempts from one address do not take every slot. A successful attempt resets the failures of the gate or the
device that admitted it; that of a known device does not reset the gate.

An attempt is counted before it is made and refunded when it succeeds, so that a hundred concurrent attempts are not a
hundred guesses.
"""

import datetime as dt
import enum
import math

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


class Scope(enum.Enum):
    """The scopes of counters."""

    ADDRESS = "ADDRESS"
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    DEVICE = "DEVICE"
    MACHINE_ADDRESS = "MACHINE_ADDRESS"
    """Of wrong client secrets, apart from wrong passwords from the same address."""
    USERNAME = "USERNAME"


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
    from_address = check_address(address, now)
    if from_address.wait is not None:
        return from_address
    if device is not None:
        device = _reset_if_expired(device, now)
        if device.count < MAX_PER_DEVICE:
            counted = msgspec.structs.replace(device, count=device.count + 1, since=now)
            return AttemptDecision([*from_address.counts, counted])
    at_gate = _check_gate(gate, address.counter.key, now)
    return AttemptDecision([*from_address.counts, *at_gate.counts], at_gate.wait)


def check_address(address: AttemptCount, now: dt.datetime) -> AttemptDecision:
    """Decide on an attempt from an address. A full window stays full to its end."""
    if not address.count or now >= address.since + WINDOW:
        address = msgspec.structs.replace(address, count=0, since=now)
    if address.count >= MAX_PER_ADDRESS:
        return AttemptDecision([address], address.since + WINDOW - now)
    return AttemptDecision([msgspec.structs.replace(address, count=address.count + 1)])


def _check_gate(gate: AttemptCount, address: bytes, now: dt.datetime) -> AttemptDecision:
    gate = _reset_if_expired(gate, now)
    interval = next((interval for failures, interval in BACKOFF_STEPS if gate.count >= failures), None)
    if interval is not None:
        is_reserved = gate.reserved_for not in (b"", address)
        wait = gate.since + interval + (RESERVATION if is_reserved else dt.timedelta()) - now
        if wait > dt.timedelta():
            reserved_for = gate.reserved_for or (address if address != gate.admitted_from else b"")
            return AttemptDecision([msgspec.structs.replace(gate, reserved_for=reserved_for)], wait)
    return AttemptDecision([AttemptCount(counter=gate.counter, count=gate.count + 1, since=now, admitted_from=address)])


def _reset_if_expired(count: AttemptCount, now: dt.datetime) -> AttemptCount:
    return count if now < count.since + FAILURE_EXPIRY else AttemptCount(counter=count.counter, count=0, since=now)
