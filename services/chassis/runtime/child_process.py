"""Python programs in child processes with limits of memory and time, for work on values that others have made."""

import asyncio
import enum
import signal
import sys
from collections.abc import Mapping, Sequence

import msgspec

from services.chassis.runtime import limited_program


class ChildLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a child process may take."""

    memory_bytes: int
    """Address space."""
    cpu_s: int
    timeout_s: float
    """Seconds from its start to its end, on a busy machine."""
    file_bytes: int = 50_000_000
    """The size of each file that it writes."""


class ChildFailure(enum.Enum):
    """Reason why a child process did not come to its own end."""

    TIME = "TIME"
    MEMORY = "MEMORY"
    CRASH = "CRASH"


class ChildFailed(Exception):
    """A child process was ended by a limit or by a signal."""

    def __init__(self, failure: ChildFailure) -> None:
        super().__init__(failure.value)
        self.failure = failure


async def run_child(
    program: str, arguments: Sequence[str], limits: ChildLimits, environment: Mapping[str, str]
) -> tuple[int, bytes]:
    """Run a program that imports nothing of Kierto; return its exit code and its standard error, or raise ChildFailed.

    If the caller is cancelled, the child ends before the cancellation goes on: it must not outlive its folder.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        limited_program.__file__,
        *map(str, (limits.memory_bytes, limits.cpu_s, limits.file_bytes)),
        program,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(limits.timeout_s):
            _, errors = await process.communicate()
    except TimeoutError:
        raise ChildFailed(ChildFailure.TIME) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    code = process.returncode
    assert code is not None, "it has ended"
    if code < 0 or code == limited_program.OUT_OF_MEMORY:
        raise ChildFailed(_failure(code))
    return code, errors


def _failure(code: int) -> ChildFailure:
    if -code in (signal.SIGXCPU, signal.SIGKILL):
        return ChildFailure.TIME
    if code == limited_program.OUT_OF_MEMORY or -code in (signal.SIGABRT, signal.SIGSEGV):  # an allocation failed
        return ChildFailure.MEMORY
    return ChildFailure.CRASH
