"""PostgreSQL, Valkey and Kafka alone, until Ctrl-C: for tests.

``python -m deploy.local --home FOLDER --port-base N``; with ``--throwaway`` the data is deleted at the end.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from deploy.local.foreground import run_in_foreground
from deploy.local.processes import set_parent_death_signal
from deploy.local.signals import Signals
from deploy.local.stack import Stack


def run_infrastructure() -> int:
    """Run PostgreSQL, Valkey and Kafka until a signal; return the exit code."""
    arguments = argparse.ArgumentParser(prog="python -m deploy.local")
    arguments.add_argument("--home", type=Path, required=True, help="the folder that the data goes to")
    arguments.add_argument("--port-base", type=int, required=True, help="ports from here on are used")
    arguments.add_argument("--throwaway", action="store_true", help="delete the data at the end")
    arguments.add_argument("--with-parent", action="store_true", help="stop when the starting process ends (Linux)")
    options = arguments.parse_args()
    if options.with_parent:
        set_parent_death_signal(os.getppid(), signal.SIGTERM)
    with Signals() as signals:
        stack = Stack(options.home, options.port_base, signals=signals)

        def start() -> None:
            stack.start(infrastructure_only=True)
            print("ready", flush=True)

        code = run_in_foreground(stack, start)
        if options.throwaway and code == 0:
            stack.delete()
    return code


if __name__ == "__main__":
    sys.exit(run_infrastructure())
