"""How many attempts at guessing are let through (I2): a few for one name, more for one address, where many may sit.

An attempt is counted before it is made and given back when it was right, so that a hundred at once are not a hundred
guesses. A window begins with its first attempt and, once full, opens again only when it has passed.
"""

import datetime as dt
import enum
from collections.abc import Sequence

import msgspec

from services.contracts.values import Refusal, refuse

WINDOW = dt.timedelta(minutes=15)


class Scope(enum.Enum):
    """What attempts are counted by."""

    ADDRESS = "ADDRESS"
    CUSTOMER_NUMBER = "CUSTOMER_NUMBER"
    MACHINE_ADDRESS = "MACHINE_ADDRESS"
    """Of wrong secrets of machines, apart from what people at the same address mistype."""
    USERNAME = "USERNAME"


LIMITS = {Scope.ADDRESS: 50, Scope.CUSTOMER_NUMBER: 10, Scope.MACHINE_ADDRESS: 50, Scope.USERNAME: 10}


class Counter(msgspec.Struct, frozen=True):
    """One count: of an address or a name, by its digest."""

    scope: Scope
    key: bytes


class Counted(msgspec.Struct, frozen=True):
    """Where a count stands, the attempt at hand included; its window began at ``since``."""

    scope: Scope
    count: int
    since: dt.datetime


def too_many(counts: Sequence[Counted], now: dt.datetime) -> Refusal | None:
    """TOO_MANY_ATTEMPTS, with the ``seconds`` until the next is let through, if one of the counts is over its limit."""
    waits = [counted.since + WINDOW - now for counted in counts if counted.count > LIMITS[counted.scope]]
    if not waits:
        return None
    return refuse("TOO_MANY_ATTEMPTS", retryable=True, seconds=max(1, round(max(waits).total_seconds())))
