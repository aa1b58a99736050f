"""What a contest comes to: ratios within each round, and their medians over all rounds.

A machine drifts by more than the contestants differ, so nothing is compared across rounds.
"""

import statistics
from collections.abc import Sequence

import msgspec

FULL = 0.8
"""From this busy share of the load's core on a throughput says as much of the load as of the server."""

DISTURBED = 0.1
"""From this share of the contestants' core that others took on it says as much of them."""


class Measured(msgspec.Struct, frozen=True):
    """One contestant at one page in one round: its CPU a request in microseconds, its requests a second, p99 in ms.

    ``load_core`` is the busy share of the core that the load and the services by heart have; ``others`` the share of
    the contestants' core that neither the contestant nor idleness had.
    """

    cpu: float
    rate: float
    load_core: float
    others: float
    p99: float

    @property
    def counts(self) -> bool:
        """Whether its throughput and its waits are its own."""
        return self.load_core < FULL and self.others < DISTURBED


class Standing(msgspec.Struct, frozen=True):
    """One contestant at one page, over all rounds; ``by_cpu``, ``by_rate``, ``by_p99``: how many times ours is better.

    The last two are None if no more than half of the rounds counted.
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
    """Hold one contestant's rounds against ours, round by round."""
    pairs = list(zip(ours, theirs, strict=True))
    counted = [(own, other) for own, other in pairs if own.counts and other.counts]
    enough = 2 * len(counted) > len(pairs)
    return Standing(
        cpu=statistics.median(one.cpu for one in theirs),
        rate=statistics.median(one.rate for one in theirs),
        load_core=statistics.median(one.load_core for one in theirs),
        others=statistics.median(one.others for one in theirs),
        p99=statistics.median(one.p99 for one in theirs),
        by_cpu=statistics.median(other.cpu / own.cpu for own, other in pairs),
        by_rate=statistics.median(own.rate / other.rate for own, other in counted) if enough else None,
        by_p99=statistics.median(other.p99 / own.p99 for own, other in counted) if enough else None,
    )
