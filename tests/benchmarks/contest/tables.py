"""Tables of the contest."""

from collections.abc import Iterator

from rich.table import Column, Table

from tests.benchmarks.contest.contestants import OURS
from tests.benchmarks.contest.pages import PAGES, PORTAL, Page
from tests.benchmarks.contest.rounds import Results
from tests.benchmarks.contest.standings import DISTURBED, FULL, Standing, standing


def tables(results: Results) -> Iterator[Table]:
    """Yield the tables of the standings and of the waits."""
    yield _standings(results)
    yield _waits(results)


def _standings(results: Results) -> Table:
    table = Table(
        *(
            "page",
            Column("contestant", no_wrap=True),
            "CPU µs a request",
            "requests a second",
            "load's core",
            "others",
            "calls",
        ),
        *("ours better by CPU", "by throughput", "wanted"),
        title=f"The contest: one core for each, another for the load. A throughput counts where the load's core is "
        f"less than {FULL:.0%} busy, and others had less than {DISTURBED:.0%} of the contestants'.",
        title_justify="left",
    )
    for page in PAGES:
        ours = results.measured[OURS.name][page.name]
        for name, measured in results.measured.items():
            table.add_row(*_row(page, name, standing(ours, measured[page.name]), results.calls[name][page.name]))
        table.add_section()
    return table


def _row(page: Page, name: str, stands: Standing, calls: int) -> Iterator[str]:
    yield from (
        page.name,
        name,
        f"{stands.cpu:,.0f}",
        f"{stands.rate:,.0f}",
        f"{stands.load_core:.0%}",
        f"{stands.others:.0%}",
        str(calls),
    )
    if name == OURS.name:
        return
    yield f"{stands.by_cpu:.2f}"
    yield "-" if stands.by_rate is None else f"{stands.by_rate:.2f}"
    yield _wanted(page.targets.get(name), stands.by_rate)


def _wanted(wanted: float | None, reached: float | None) -> str:
    if wanted is None:
        return "report"
    return f"{wanted:g}, missed" if reached is not None and reached < wanted else f"{wanted:g}"


def _waits(results: Results) -> Table:
    table = Table(
        "contestant",
        *("p99, ms", "requests a second", "load's core", "others", "ours better by"),
        title=f"The {PORTAL.name} at half of the full rate of each, from when a request was due. Ours should be best.",
        title_justify="left",
    )
    for name, measured in results.steady.items():
        result = standing(results.steady[OURS.name], measured)
        better = "" if name == OURS.name else "-" if result.by_p99 is None else f"{result.by_p99:.2f}"
        table.add_row(
            name, f"{result.p99:.2f}", f"{result.rate:,.0f}", f"{result.load_core:.0%}", f"{result.others:.0%}", better
        )
    return table
