"""A caller's time window, and the calculation of its leases."""

import msgspec

INFINITE_UNITS = 2**62
"""More units than any quota."""


class Window(msgspec.Struct, gc=False):
    """A caller's time window in this process. Units are leased from Redis before requests spend them."""

    key: str
    """The key of the caller."""
    number: int
    """The number of the window since 1970, the same in all gateways."""
    ends_at: float
    """On the process's monotonic clock."""
    free: int
    """Units that no gateway had leased at the last lease."""
    renew_below: int
    """The balance below which the next lease is requested."""
    balance: int = 0
    """Leased units that are not spent; below zero, the units admitted on credit, which the next lease settles first."""
    leased: int = 0
    """Units leased by this process in all."""
    is_lease_pending: bool = False

    def apply_lease(
        self, balance_when_requested: int, granted: int, free: int, renew_below_when_exhausted: int
    ) -> bool:
        """Add granted units, and return whether the next lease has to be requested at once.

        ``renew_below_when_exhausted`` becomes ``renew_below`` if no units are free any more.
        """
        self.is_lease_pending = False
        self.balance += granted
        self.leased += granted
        self.free = free
        self.renew_below = (balance_when_requested + granted) // 2 if free else renew_below_when_exhausted
        return free > 0 and self.balance < self.renew_below


def chunk_size(quota: int, gateways: int) -> int:
    """Return the units that a gateway may lease in advance, or admit on credit.

    The chunks of all gateways together are at most a quarter of the quota.
    """
    return max(1, min(quota // 20, quota // (4 * gateways)))


def grant_size(free: int, balance: int, chunk: int, divisor: int) -> int:
    """Return the units of ``free`` granted to a gateway: the credit that it has used, and up to a chunk in advance.

    At most the free units divided by ``divisor`` are granted in advance. ``lease.lua`` has the same calculation.
    """
    advance = max(0, min(chunk, (free + min(balance, 0)) // divisor))
    return max(0, min(free, advance - balance))
