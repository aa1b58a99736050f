"""Results of a run: a Markdown table with a line a fault."""

import datetime as dt
from collections.abc import Sequence

import msgspec

from tests.faults.queries import Latency


class FaultResult(msgspec.Struct, frozen=True):
    """Result of one fault."""

    fault: str
    recoveries: Sequence[float]
    """Seconds, one for each time."""
    commands: int
    """Number of commands acknowledged under the fault."""
    per_second: float
    lost: str = "nothing"


class OutageResult(msgspec.Struct, frozen=True):
    """Result of an outage of a service under queries."""

    service: str
    before: Latency
    """Latency of the queries that do not need the service, before the outages."""
    during: Latency
    longest: float
    """Seconds of the longest query that needs the service."""
    recoveries: Sequence[float]
    """Seconds until its fields were in a response again, each time."""


OUTAGE_HEADER = (
    "| api that was away | others' queries before, ms (p50, p95) | meanwhile | its own, longest, s | back after, s |\n"
    "| --- | --- | --- | --- | --- |"
)
HEADER = (
    "| what was done | times | recovery, seconds (median, longest) | commands acknowledged under it | lost |\n"
    "| --- | --- | --- | --- | --- |"
)


def table(lines: Sequence[FaultResult]) -> str:
    """Format the table of faults, in the order of their runs."""
    return "\n".join([HEADER, *(_row(line) for line in lines)])


def _row(line: FaultResult) -> str:
    ordered = sorted(line.recoveries)
    recovery = f"{ordered[len(ordered) // 2]:.1f}, {ordered[-1]:.1f}" if ordered else "-"
    rate = f"{line.commands} ({line.per_second:.0f} a second)"
    return f"| {line.fault} | {len(line.recoveries) or 1} | {recovery} | {rate} | {line.lost} |"


def outage_table(lines: Sequence[OutageResult]) -> str:
    """Format the table of outages."""
    return "\n".join([OUTAGE_HEADER, *(_outage_row(line) for line in lines)])


def _outage_row(line: OutageResult) -> str:
    before, during = (f"{one.p50 * 1000:.1f}, {one.p95 * 1000:.1f}" for one in (line.before, line.during))
    backs = ", ".join(f"{back:.1f}" for back in line.recoveries)
    return f"| {line.service} | {before} | {during} | {line.longest:.1f} | {backs} |"


def title(full: bool) -> str:
    form = "full" if full else "short"
    return f"Faults, {form} form, {dt.datetime.now(dt.UTC):%Y-%m-%d}"
