"""Tests of the standings of the contest."""

import pytest

from tests.benchmarks.contest.standings import Measured, standing


def measured(cpu: float, rate: float, load_core: float = 0.5, others: float = 0, p99: float = 1) -> Measured:
    return Measured(cpu, rate, load_core, others, p99)


def test_ratios_are_taken_within_a_round() -> None:
    """The machine is half as fast in the second round and four times as fast in the third."""
    ours = [measured(100, 8000), measured(200, 4000), measured(25, 32000)]
    theirs = [measured(200, 4000), measured(400, 2000), measured(50, 16000)]
    result = standing(ours, theirs)
    assert (result.by_cpu, result.by_rate) == (2, 2)
    assert (result.cpu, result.rate) == (200, 4000)


def test_waits_are_compared_within_a_round_too() -> None:
    ours = [measured(100, 8000, p99=2), measured(100, 8000, p99=20), measured(100, 8000, p99=2, others=0.5)]
    theirs = [measured(100, 8000, p99=3), measured(100, 8000, p99=30), measured(100, 8000, p99=1)]
    result = standing(ours, theirs)
    assert (result.p99, result.by_p99) == (3, 1.5)
    assert standing(ours[1:], theirs[1:]).by_p99 is None, "of two rounds one counts"


def test_a_busy_load_core_excludes_a_throughput() -> None:
    ours = [measured(100, 8000), measured(100, 8000), measured(100, 4000, 0.9)]
    theirs = [measured(50, 8000)] * 3
    assert standing(ours, theirs).by_rate == 1, "two rounds of three count"
    assert standing(ours, [measured(50, 8000, 0.8), *theirs[1:]]).by_rate is None
    assert standing(ours, theirs).by_cpu == pytest.approx(0.5)


def test_other_processes_on_the_contestants_core_exclude_a_throughput() -> None:
    quiet, disturbed = measured(100, 8000, others=0.02), measured(100, 5000, others=0.3)
    assert standing([quiet] * 3, [disturbed, quiet, quiet]).by_rate == 1
    assert standing([disturbed, quiet, quiet], [quiet, disturbed, quiet]).by_rate is None
