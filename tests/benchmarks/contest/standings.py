"""Standings of a contest: ratios within each round, and their medians over all rounds.

A machine drifts by more than the contestants differ, so nothing is compared across rounds.
"""

import statistics
from collections.abc import Sequence

import msgspec

FULL = 0.8
"""Busy share of the load's core from which on the load limits the throughput."""

DISTURBED = 0.1
"""Share of the contestants' core from which on other processes distort a measurement."""


class Measured(msgspec.Struct, frozen=True):
    """Measurement of one contestant at one page in one round."""

    cpu: float
    """Microseconds of CPU a request."""
    rate: float
    """Requests a second."""
    load_core: float
    """Busy share of the core of the load and the canned services."""
    others: float
    """Share of other processes on the contestants' core."""
    p99: float
    """Milliseconds."""

    @property
    def is_undisturbed(self) -> bool:
        """Whether neither the load nor other processes limited its throughput and waits."""
        return self.load_core < FULL and self.others < DISTURBED


class Standing(msgspec.Struct, frozen=True):
    """One contestant at one page, over all rounds.

    ``by_cpu``, ``by_rate`` and ``by_p99`` are the factors by which ours is better; the last two are None if no more
    than half of the rounds were undisturbed.
    """

    cpu: float
    rate: float
    load_core: float
    others: float
    p99: float
    by_cpu: float
    by_rate: float | None
    by_p99: float | None


def standing(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Standing:
    """Compare the rounds of one contestant with ours, round by round."""
    pairs = list(zip(ours, theirs, strict=True))
    undisturbed = [(own, other) for own, other in pairs if own.is_undisturbed and other.is_undisturbed]
    enough = 2 * len(undisturbed) > len(pairs)
    return Standing(
        cpu=statistics.median(measured.cpu for measured in theirs),
        rate=statistics.median(measured.rate for measured in theirs),
        load_core=statistics.median(measured.load_core for measured in theirs),
        others=statistics.median(measured.others for measured in theirs),
        p99=statistics.median(measured.p99 for measured in theirs),
        by_cpu=statistics.median(other.cpu / own.cpu for own, other in pairs),
        by_rate=statistics.median(own.rate / other.rate for own, other in undisturbed) if enough else None,
        by_p99=statistics.median(other.p99 / own.p99 for own, other in undisturbed) if enough else None,
    )
