"""What the run has to say for itself: a line a fault, as a table of Markdown."""

import datetime as dt
from collections.abc import Sequence

import msgspec


class Line(msgspec.Struct, frozen=True):
    """One fault. ``recoveries`` in seconds, one for each time; ``commands`` acknowledged under it."""

    done: str
    recoveries: Sequence[float]
    commands: int
    per_second: float
    lost: str = "nothing"


HEADER = (
    "| what was done | times | recovery, seconds (median, longest) | commands acknowledged under it | lost |\n"
    "| --- | --- | --- | --- | --- |"
)


def table(lines: Sequence[Line]) -> str:
    """The table, faults in the order in which they ran."""
    return "\n".join([HEADER, *(_row(line) for line in lines)])


def _row(line: Line) -> str:
    ordered = sorted(line.recoveries)
    recovery = f"{ordered[len(ordered) // 2]:.1f}, {ordered[-1]:.1f}" if ordered else "-"
    rate = f"{line.commands} ({line.per_second:.0f} a second)"
    return f"| {line.done} | {len(line.recoveries) or 1} | {recovery} | {rate} | {line.lost} |"


def title(full: bool) -> str:
    form = "full" if full else "short"
    return f"Faults, {form} form, {dt.datetime.now(dt.UTC):%Y-%m-%d}"
