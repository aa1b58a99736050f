"""How many attempts at guessing are let through (I2).

A limit applies to who tries. An address, where many may sit, has 50 attempts in 15 minutes. An account (or a customer
number) has a gate that slows down all who are strangers to it together, and shuts none of them out: after 10 failures
it lets one through in 30 seconds, after 100 one in 15 minutes, until a day passes in which none was let through. A
device that the account was signed in from before does not come to the gate: its own failures are counted, and after 10
of them it is a stranger.

Of those whom a gate sends away, the next turn is kept for the first that comes from another address than the last
attempt: who tries without pause does not take every turn. A right attempt has the gate or the device that it came by
forget its failures; that of a known device tells the gate nothing.

An attempt is counted before it is made and given back when it was right, so that a hundred at once are not a hundred
guesses.
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
"""What fails no more for so long begins anew."""
BACKOFF_STEPS = ((100, dt.timedelta(minutes=15)), (10, dt.timedelta(seconds=30)))
"""From so many failures on, a gate opens once in so long."""
RESERVATION = dt.timedelta(seconds=30)
"""For so long a turn is kept for whom it was promised to."""


class Scope(enum.Enum):
    """What attempts are counted by."""

    ADDRESS = "ADDRESS"
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    DEVICE = "DEVICE"
    MACHINE_ADDRESS = "MACHINE_ADDRESS"
    """Of wrong secrets of machines, apart from what people at the same address mistype."""
    USERNAME = "USERNAME"


class AttemptCounter(msgspec.Struct, frozen=True):
    """One count: of an address, a device or a name, by its digest."""

    scope: Scope
    key: bytes


class AttemptCount(msgspec.Struct, frozen=True, kw_only=True):
    """Where a count stands."""

    counter: AttemptCounter
    count: int
    since: dt.datetime
    """When an address' window began; of a gate or device, when it last let an attempt through."""
    admitted_from: bytes = b""
    """The key of the address that a gate let through then."""
    reserved_for: bytes = b""
    """The key of the address that a gate's next turn is kept for."""


class AttemptDecision(msgspec.Struct, frozen=True):
    """What comes of an attempt: where the counts stand now, and how long to wait if it may not be made."""

    counts: list[AttemptCount]
    wait: dt.timedelta | None = None

    @property
    def refusal(self) -> Refusal | None:
        """TOO_MANY_ATTEMPTS, with the ``seconds`` until there is a turn."""
        if self.wait is None:
            return None
        return refuse("TOO_MANY_ATTEMPTS", retryable=True, seconds=math.ceil(self.wait.total_seconds()))


def check_attempt(
    address: AttemptCount, gate: AttemptCount, device: AttemptCount | None, now: dt.datetime
) -> AttemptDecision:
    """Judge an attempt at what ``gate`` counts, made from ``address`` and, if it is known there, from ``device``."""
    from_address = check_address(address, now)
    if from_address.wait is not None:
        return from_address
    if device is not None:
        device = _reset_if_expired(device, now)
        if device.count < MAX_PER_DEVICE:
            tried = msgspec.structs.replace(device, count=device.count + 1, since=now)
            return AttemptDecision([*from_address.counts, tried])
    at_gate = _check_gate(gate, address.counter.key, now)
    return AttemptDecision([*from_address.counts, *at_gate.counts], at_gate.wait)


def check_address(address: AttemptCount, now: dt.datetime) -> AttemptDecision:
    """Judge an attempt from an address. A window begins with its first one and, once full, stays so until its end."""
    if not address.count or now >= address.since + WINDOW:
        address = msgspec.structs.replace(address, count=0, since=now)
    if address.count >= MAX_PER_ADDRESS:
        return AttemptDecision([address], address.since + WINDOW - now)
    return AttemptDecision([msgspec.structs.replace(address, count=address.count + 1)])


def _check_gate(gate: AttemptCount, who: bytes, now: dt.datetime) -> AttemptDecision:
    gate = _reset_if_expired(gate, now)
    pace = next((pace for failures, pace in BACKOFF_STEPS if gate.count >= failures), None)
    if pace is not None:
        kept_for_another = gate.reserved_for not in (b"", who)
        wait = gate.since + pace + (RESERVATION if kept_for_another else dt.timedelta()) - now
        if wait > dt.timedelta():
            promised = gate.reserved_for or (who if who != gate.admitted_from else b"")
            return AttemptDecision([msgspec.structs.replace(gate, reserved_for=promised)], wait)
    return AttemptDecision([AttemptCount(counter=gate.counter, count=gate.count + 1, since=now, admitted_from=who)])


def _reset_if_expired(count: AttemptCount, now: dt.datetime) -> AttemptCount:
    return count if now < count.since + FAILURE_EXPIRY else AttemptCount(counter=count.counter, count=0, since=now)
