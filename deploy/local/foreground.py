"""A stack in the foreground: until Ctrl-C, with sentences instead of tracebacks."""

import sys
from collections.abc import Callable

from deploy.local.errors import StackError
from deploy.local.stack import Stack
from deploy.local.supervisor import StartInterrupted


def run_in_foreground(stack: Stack, start: Callable[[], None]) -> int:
    """Start the stack, supervise it until a signal, stop it. Return the exit code: 0, or 1 if it could not start."""
    try:
        start()
        stack.watch()
    except StackError as problem:
        print(problem, file=sys.stderr)
        return 1
    except StartInterrupted:
        pass
    finally:
        stack.stop()
    return 0
