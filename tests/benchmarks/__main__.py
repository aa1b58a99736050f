"""Runs every benchmark on one stack of its own and prints what it found."""

import asyncio
import time

from rich.console import Console
from rich.table import Table

from tests.benchmarks import commit_to_socket
from tests.support.stack import new_stack

STAFF = ("bench", "mittaa kahdesti, leikkaa kerran")


def main() -> None:
    """Start a stack twice, measure, stop it."""
    table = Table(
        "what", "measured", "against", "ratio", title="Kierto, measured on this machine", title_justify="left"
    )
    stack = new_stack()
    try:
        stack.start()
        stack.kierto("staff", "create", STAFF[0], "--email", "bench@example.fi", KIERTO_PASSWORD=STAFF[1])
        stack.stop()
        began = time.perf_counter()
        stack.start()
        seconds = time.perf_counter() - began
        table.add_row("second start, everything ready", f"{seconds:.1f} s", "10 s", f"{seconds / 10:.2f}")
        ours, bare = asyncio.run(commit_to_socket.measure(stack, *STAFF))
        table.add_row(
            "commit of an order to a subscriber's socket, median",
            f"{ours * 1000:.1f} ms",
            f"bare commit, NOTIFY, produce, consume: {bare * 1000:.1f} ms",
            f"{ours / bare:.2f}",
        )
    finally:
        stack.stop()
        stack.delete()
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
