"""Running a stack in the foreground: until Ctrl-C, with words instead of tracebacks."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local.problem import StackProblem
from deploy.local.processes import die_with
from deploy.local.signals import Signals
from deploy.local.stack import Stack
from deploy.local.supervisor import Interrupted


def run_in_foreground(stack: Stack, start: Callable[[], None]) -> int:
    """Start the stack, look after it until told to stop, stop it. The exit code: 0, or 1 if it could not start."""
    try:
        start()
        stack.watch()
    except StackProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    except Interrupted:
        pass
    finally:
        stack.stop()
    return 0


def run_infrastructure() -> int:
    """PostgreSQL, Valkey and Kafka alone."""
    arguments = argparse.ArgumentParser(prog="python -m deploy.local.infrastructure")
    arguments.add_argument("--home", type=Path, required=True, help="the folder that the data goes to")
    arguments.add_argument("--port-base", type=int, required=True, help="ports from here on are used")
    arguments.add_argument("--throwaway", action="store_true", help="delete the data at the end")
    arguments.add_argument("--with-parent", action="store_true", help="stop when the starting process ends (Linux)")
    asked = arguments.parse_args()
    if asked.with_parent:
        die_with(os.getppid(), signal.SIGTERM)
    with Signals() as signals:
        stack = Stack(asked.home, asked.port_base, signals=signals)

        def start() -> None:
            stack.start(infrastructure_only=True)
            print("ready", flush=True)

        code = run_in_foreground(stack, start)
        if asked.throwaway and code == 0:
            stack.delete()
    return code
