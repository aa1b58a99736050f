"""Running a stack in the foreground: until Ctrl-C, with words instead of tracebacks."""

import sys
from collections.abc import Callable

from deploy.local.problem import StackProblem
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
