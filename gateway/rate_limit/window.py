"""One caller's count in one window of time, in this process."""

import msgspec

INFINITE_UNITS = 2**62
"""More units than anyone has."""


class Window(msgspec.Struct, gc=False):
    """What one caller may still spend here until ``ends`` (seconds of the process's own clock).

    Units are leased ahead of the requests that spend them. ``left`` of ``taken`` leased units is not spent; below zero
    it is what was let in on credit, which the next lease settles first. ``free`` is what nobody had leased when that
    was last heard. Below ``low`` the next lease is asked for.
    """

    key: str
    number: int
    ends_at: float
    free: int
    renew_below: int
    balance: int = 0
    leased: int = 0
    is_lease_pending: bool = False

    def lease(self, asked_with: int, granted: int, free: int, when_none_is_free: int) -> bool:
        """Take in an answer to what was asked with ``asked_with`` units left; whether there is to be another question.

        ``when_none_is_free`` is the new ``low`` if this was the last of it.
        """
        self.is_lease_pending = False
        self.balance += granted
        self.leased += granted
        self.free = free
        self.renew_below = (asked_with + granted) // 2 if free else when_none_is_free
        return free > 0 and self.balance < self.renew_below


def chunk_size(quota: int, gateways: int) -> int:
    """The most units that a gateway leases ahead of requests, or lets in on credit.

    All gateways' chunks together are a quarter of the quota at most.
    """
    return max(1, min(quota // 20, quota // (4 * gateways)))


def grant_size(free: int, left: int, chunk: int, spread: int) -> int:
    """How many of ``free`` units a gateway with ``left`` of its own gets: what it owes, and up to a chunk ahead.

    The less is free, the less is given ahead: at most one part of ``spread``. ``lease.lua`` says the same.
    """
    ahead = max(0, min(chunk, (free + min(left, 0)) // spread))
    return max(0, min(free, ahead - left))
