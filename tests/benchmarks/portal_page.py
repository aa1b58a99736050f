"""Time of a portal page on a whole stack: duration of each step, and CPU of each process."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

import msgspec
import psutil
from rich.table import Table

from tests.benchmarks.contest.pages import PORTAL
from tests.support.gateway_client import GatewayClient
from tests.support.stack import RunningStack

PAGES, WARM_UP = 200, 50
_PROCESSES = ("gateway", "sites-api", "orders-api", "postgres")


class PageTime(msgspec.Struct, frozen=True):
    """Milliseconds of one page."""

    whole: float
    """From the request to the response."""
    operations: Mapping[str, float]
    """At each operation of a service."""
    cpu: Mapping[str, float]
    """CPU of each process."""


async def measure(stack: RunningStack, sites: int) -> PageTime:
    """Request the page one by one, as the property manager of the demonstration data."""
    name, password = stack.sign_in_of("property manager")
    page = PORTAL.text
    durations: list[float] = []
    async with GatewayClient(stack.gateway) as client:
        await client.sign_in(name, password)
        for _ in range(WARM_UP):
            await client.execute(page, first=sites)
        before, lines = _cpu(stack), {process: len(stack.log(process)) for process in ("sites-api", "orders-api")}
        for _ in range(PAGES):
            began = time.perf_counter()
            result = await client.execute(page, first=sites)
            durations.append(time.perf_counter() - began)
        after = _cpu(stack)
    assert len(result["edges"]) == sites
    time.sleep(0.2)  # the services write their log lines in batches
    logged = [line for process, count in lines.items() for line in stack.log(process)[count:]]
    return PageTime(
        median(durations) * 1000,
        _by_operation(logged),
        {process: (after[process] - before[process]) / PAGES * 1000 for process in after},
    )


def table(spent: Mapping[int, PageTime]) -> Table:
    """Format the results, by the number of sites on the page."""
    result_table = Table("ms a page", *(f"{sites} sites" for sites in spent), title="The portal page on a whole stack")
    result_table.add_row("request to response, one by one", *(f"{page_time.whole:.1f}" for page_time in spent.values()))
    for operation in next(iter(spent.values())).operations:
        result_table.add_row(
            f"  the service's {operation}", *(f"{page_time.operations[operation]:.1f}" for page_time in spent.values())
        )
    for process in _PROCESSES:
        result_table.add_row(f"CPU of {process}", *(f"{page_time.cpu[process]:.1f}" for page_time in spent.values()))
    return result_table


def _by_operation(lines: Sequence[Mapping[str, object]]) -> dict[str, float]:
    times_by_operation: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        if line["event"] == "request completed":
            times_by_operation[str(line["operation"])].append(float(str(line["ms"])))
    return {operation: median(times) for operation, times in times_by_operation.items()}


def _cpu(stack: RunningStack) -> dict[str, float]:
    """Return the seconds of CPU so far, by process; PostgreSQL's with all its children."""
    spent: dict[str, float] = {}
    for name in _PROCESSES:
        process = psutil.Process(stack.pid(name))
        processes = [process, *(process.children(recursive=True) if name == "postgres" else [])]
        spent[name] = sum(times.user + times.system for times in (member.cpu_times() for member in processes))
    return spent
