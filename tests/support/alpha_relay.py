"""A relay of Alpha in a process of its own: ``python -m tests.support.alpha_relay NAME DATABASE_URL KAFKA HOLDER``."""

import asyncio
import signal
import sys

import uvloop

from services.chassis.events.publish.relay import Relay
from services.chassis.runtime.clock import SystemClock
from services.chassis.telemetry import logging


async def run(name: str, database_url: str, kafka: str, holder: str) -> None:
    """Run the relay until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Relay(name, database_url, kafka, f"{name}.{holder}", SystemClock("Europe/Helsinki")).run(stop)


if __name__ == "__main__":
    logging.configure("alpha-relay", "INFO")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(*sys.argv[1:]))
