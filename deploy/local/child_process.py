"""Child process of one task: a migration, the loading of data."""

from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.files import tail
from deploy.local.processes import fork
from deploy.local.signals import Signals
from deploy.local.supervisor import StartInterrupted, Supervisor, describe_exit


def run_in_child(
    name: str,
    target: Callable[[], int],
    log: Path,
    environment: Mapping[str, str],
    supervisor: Supervisor,
    signals: Signals,
) -> None:
    """Run `target` in a child and wait for it, while the supervisor goes on.

    Raises StackError with the end of its log unless it ends with 0, StartInterrupted on a signal to stop.
    """
    child = fork(target, log, environment)
    stopped = False
    while (code := child.poll()) is None:
        if signals.asked_to_stop and not stopped:
            child.send_signal(15)
            stopped = True
        supervisor.restart_failed()
        signals.wait(0.05)
    if stopped:
        raise StartInterrupted
    if code:
        raise StackError(f"{name} {describe_exit(code)}. The end of {log}:\n{tail(log)}")
