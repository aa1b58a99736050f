"""What the run has to say for itself: a line a fault, as a table of Markdown."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from tests.faults.queries import Latency


class FaultResult(msgspec.Struct, frozen=True):
    """One fault. ``recoveries`` in seconds, one for each time; ``commands`` acknowledged under it."""

    fault: str
    recoveries: Sequence[float]
    commands: int
    per_second: float
    lost: str = "nothing"


class OutageResult(msgspec.Struct, frozen=True):
    """A service that was away under queries.

    How long those took that do not need it, ``before`` and ``during``; the ``longest`` that needed it, in seconds; and
    how long its fields were missing after it was back, each time.
    """

    service: str
    before: Latency
    during: Latency
    longest: float
    recoveries: Sequence[float]


OUTAGE_HEADER = (
    "| api that was away | others' queries before, ms (p50, p95) | meanwhile | its own, longest, s | back after, s |\n"
    "| --- | --- | --- | --- | --- |"
)
HEADER = (
    "| what was done | times | recovery, seconds (median, longest) | commands acknowledged under it | lost |\n"
    "| --- | --- | --- | --- | --- |"
)


def table(lines: Sequence[FaultResult]) -> str:
    """The table, faults in the order in which they ran."""
    return "\n".join([HEADER, *(_row(line) for line in lines)])


def _row(line: FaultResult) -> str:
    ordered = sorted(line.recoveries)
    recovery = f"{ordered[len(ordered) // 2]:.1f}, {ordered[-1]:.1f}" if ordered else "-"
    rate = f"{line.commands} ({line.per_second:.0f} a second)"
    return f"| {line.fault} | {len(line.recoveries) or 1} | {recovery} | {rate} | {line.lost} |"


def outage_table(lines: Sequence[OutageResult]) -> str:
    """The same for services that were away."""
    return "\n".join([OUTAGE_HEADER, *(_outage_row(line) for line in lines)])


def _outage_row(line: OutageResult) -> str:
    before, during = (f"{one.p50 * 1000:.1f}, {one.p95 * 1000:.1f}" for one in (line.before, line.during))
    backs = ", ".join(f"{back:.1f}" for back in line.recoveries)
    return f"| {line.service} | {before} | {during} | {line.longest:.1f} | {backs} |"


def title(full: bool) -> str:
    form = "full" if full else "short"
    return f"Faults, {form} form, {dt.datetime.now(dt.UTC):%Y-%m-%d}"
