"""Run of every benchmark on a stack, then of the contest, with a table of results."""

import asyncio
import statistics
import time

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    broker_recovery,
    commit_to_socket,
    consumer_throughput,
    flood_latency,
    http_clients,
    idle_subscribers,
    plan_compilation,
    portal_page,
    refusal_times,
    refused_body_memory,
    relay_throughput,
    request_overhead,
    scale,
    thousand_subscribers,
    trace_overhead,
    validation_time,
)
from tests.benchmarks.contest import runner
from tests.support import quotas, servers
from tests.support.stack import new_stack

STAFF = ("bench", "mittaa kahdesti, leikkaa kerran")


def main() -> None:
    """Measure on a stack, and print the results."""
    table = Table(
        "measurement", "measured", "against", "ratio", title="Kierto, measured on this machine", title_justify="left"
    )
    cost = http_clients.measure()
    table.add_row(
        "CPU of a small request between processes",
        f"{cost.ours * 1e6:.1f} µs",
        f"aiohttp, by turns: {cost.aiohttp * 1e6:.1f} µs",
        f"{cost.ratio:.2f}",
    )
    idle_cost = idle_subscribers.measure()
    table.add_row(
        f"CPU of {idle_subscribers.SUBSCRIBERS:,} idle subscribers at {idle_subscribers.EVENTS_PER_S} events a second"
        " of others",
        f"{idle_cost.idle:.1%} of a core, a checkpoint each included",
        f"without a subscriber: {idle_cost.none:.1%}",
        f"{idle_cost.idle / idle_cost.none:.2f}",
    )
    compiled = plan_compilation.compile_time()
    table.add_row(
        "a plan for the portal's page",
        f"{compiled.plan * 1000:.1f} ms",
        f"its text parsed and validated: {compiled.text * 1000:.1f} ms; wanted: 5 ms",
        f"{compiled.plan / compiled.text:.2f}",
    )
    cache_memory = plan_compilation.memory()
    table.add_row(
        f"memory after {plan_compilation.OPERATIONS:,} different operations, {cache_memory.texts:,} of them kept",
        f"{cache_memory.end / 1e6:.1f} MB",
        f"after {plan_compilation.FULL:,}: {cache_memory.full / 1e6:.1f} MB",
        f"{cache_memory.end / cache_memory.full:.3f}",
    )
    refused = validation_time.measure()
    table.add_row(
        f"a text refused, the worst: {refused.which}",
        f"{refused.worst * 1000:.1f} ms",
        "50 ms",
        f"{refused.worst / 0.050:.2f}",
    )
    table.add_row(
        "the cost of a portal page, known before it is executed",
        f"{refused.cost * 1e6:.2f} µs",
        "1 µs",
        f"{refused.cost / 1e-6:.2f}",
    )
    overhead = request_overhead.measure()
    table.add_row(
        "overhead of a portal page before its execution",
        f"{overhead.admission * 1e6:.1f} µs",
        f"10 µs; parsing its body takes {overhead.parsing * 1e6:.1f} of them",
        f"{overhead.admission / 10e-6:.2f}",
    )
    stack = new_stack()
    stack.settings = quotas.UNLIMITED_QUOTAS
    try:
        stack.start()
        stack.kierto("staff", "create", STAFF[0], "--email", "bench@example.fi", KIERTO_PASSWORD=STAFF[1])
        stack.stop()
        began = time.perf_counter()
        stack.start()
        seconds = time.perf_counter() - began
        table.add_row("second start, everything ready", f"{seconds:.1f} s", "10 s", f"{seconds / 10:.2f}")
        database = servers.at(stack.home.root, stack.ports).database_url("kierto_identity")
        refusals = asyncio.run(refusal_times.measure(stack, database, STAFF[0]))
        for operation, times in zip(
            ("sign-in refused", "registration refused", "recovery requested"), refusals, strict=True
        ):
            first, *others = times.medians
            table.add_row(
                f"a {operation}, medians of {refusal_times.CALLS:,} calls",
                times.shown(first),
                ", ".join(map(times.shown, others)) + "; wanted: within 3 %",
                f"{times.ratio:.3f}",
            )
        ours, bare = asyncio.run(commit_to_socket.measure(stack, *STAFF))
        table.add_row(
            "commit of an order to a subscriber's socket, median",
            f"{ours * 1000:.1f} ms",
            f"bare commit, NOTIFY, produce, consume: {bare * 1000:.1f} ms",
            f"{ours / bare:.2f}",
        )
        reached, sent = asyncio.run(thousand_subscribers.measure(stack, *STAFF))
        table.add_row(
            "commit of an order to the last of 1,000 subscribers, median",
            thousand_subscribers.format_times(reached),
            f"bare server, the same bytes: {thousand_subscribers.format_times(sent)}; wanted: 250 ms",
            f"{statistics.median(reached) / statistics.median(sent):.2f}",
        )
        body_memory = asyncio.run(refused_body_memory.measure(stack))
        table.add_row(
            f"{refused_body_memory.BODIES:,} bodies of 1 MB that are refused, through a gateway",
            f"grew by {body_memory.growth / 1e6:.1f} MB, "
            f"{refused_body_memory.BODIES / body_memory.seconds:,.0f} a second",
            "20 MB",
            f"{body_memory.growth / 20e6:.2f}",
        )
        relayed = asyncio.run(relay_throughput.measure(servers.at(stack.home.root, stack.ports)))
        table.add_row(
            f"a backlog of {relay_throughput.EVENTS:,} events through the relay",
            f"{relayed.relay:,.0f} a second, grew by {relayed.growth / 1e6:.1f} MB",
            f"bare producer, the same records: {relayed.bare:,.0f} a second",
            f"{relayed.relay / relayed.bare:.2f}",
        )
        consumed = asyncio.run(consumer_throughput.measure(servers.at(stack.home.root, stack.ports)))
        table.add_row(
            f"a backlog of {consumer_throughput.EVENTS:,} events through a worker",
            f"{consumed.worker:,.0f} a second, grew by {consumed.growth / 1e6:.1f} MB",
            f"bare consumer, the same records: {consumed.bare:,.0f} a second",
            f"{consumed.worker / consumed.bare:.2f}",
        )
        for flood, latency in asyncio.run(flood_latency.measure(servers.at(stack.home.root, stack.ports))).items():
            table.add_row(
                f"a small request beside {flood_latency.CONNECTIONS} connections that flood: {flood}, median",
                f"{latency.median * 1000:.1f} ms (worst {latency.worst * 1000:.0f})",
                f"without a flood: {latency.quiet * 1000:.1f} ms",
                f"{latency.median / latency.quiet:.2f}",
            )
        overhead_of_traces = asyncio.run(trace_overhead.measure(servers.at(stack.home.root, stack.ports)))
        table.add_row(
            "spans on a portal page: checks while they are off",
            f"{overhead_of_traces.off * 1e6:.1f} µs",
            f"the page's CPU, gateway and stubs: {overhead_of_traces.page * 1e6:.0f} µs; wanted: 3 %",
            f"{overhead_of_traces.off / overhead_of_traces.page:.4f}",
        )
        table.add_row(
            f"spans on a portal page: {trace_overhead.RATIO:.0%} of the traces sampled, by turns with off",
            f"{(overhead_of_traces.sampled - 1) * 100:.1f} % more CPU",
            "5 %",
            f"{overhead_of_traces.sampled:.3f}",
        )
        published, received = asyncio.run(broker_recovery.measure(stack, *STAFF))
        table.add_row(
            "broker killed: from ready to the first event at it, at a subscriber, longest",
            f"{max(published):.1f} s, {max(received):.1f} s",
            "3 s",
            f"{max(received) / 3:.2f}",
        )
    finally:
        stack.stop()
        stack.delete()
    console = Console(width=140)
    console.print(table)
    console.print(_portal_page())
    console.print(scale.table(scale.measure()))
    runner.run_contest()


def _portal_page() -> Table:
    """Measure the portal page on a stack with the demonstration data."""
    stack = new_stack()
    stack.settings = quotas.UNLIMITED_QUOTAS
    try:
        stack.start(demo=True)
        return portal_page.table({sites: asyncio.run(portal_page.measure(stack, sites)) for sites in (10, 200)})
    finally:
        stack.stop()
        stack.delete()


if __name__ == "__main__":
    main()
