"""Ports of the processes, counted from one base, and the check that they are free."""

import socket
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

import psutil

from deploy.local.errors import StackError

DEFAULT_BASE = 8700
SPAN = 86
"""Number of ports, from the base on, that belong to a stack."""

_SERVICES = {"identity": 10, "sites": 20, "orders": 30, "stats": 40, "support": 50}
_ROLES = {"api": 1, "worker": 2, "relay": 3, "jobs": 4}
_PROCESSES = {
    "gateway": 0,
    **{f"{service}-{role}": at + plus for service, at in _SERVICES.items() for role, plus in _ROLES.items()},
}
_METRICS = 5
OFFSETS = {
    **_PROCESSES,
    **{f"{process}-metrics": at + _METRICS for process, at in _PROCESSES.items()},
    "support-bounces": 50,
    "mailbox": 80,
    "smtp": 81,
    "postgres": 82,
    "valkey": 83,
    "kafka": 84,
    "kafka-controller": 85,
}
"""Distance of each process or listener from the base."""

LISTENERS = {
    "postgres": ("postgres",),
    "valkey": ("valkey",),
    "kafka": ("kafka", "kafka-controller"),
    "mailbox": ("mailbox", "smtp"),
}
"""Listeners of each part that a real server can replace."""
INFRASTRUCTURE_LISTENERS = (*LISTENERS["postgres"], *LISTENERS["valkey"], *LISTENERS["kafka"])


@dataclass(frozen=True)
class Ports:
    """The ports of one stack."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65535 - SPAN:
            raise StackError(
                f"KIERTO_PORT_BASE is {self.base}; it must lie between 1024 and {65535 - SPAN}, "
                f"because the {SPAN} ports from it on are used."
            )

    def of(self, name: str) -> int:
        return self.base + OFFSETS[name]

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.of(name)}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"

    def check(self, names: Iterable[str] = tuple(OFFSETS)) -> None:
        """Raise StackError that names every port in use, its holder, and the setting that moves it."""
        in_use = [name for name in names if not is_free(self.of(name))]
        if in_use:
            lines = [
                f"  {self.of(name)} for {name} (KIERTO_PORT_BASE + {OFFSETS[name]}) is held by {_holder(self.of(name))}"
                for name in in_use
            ]
            raise StackError(
                "These ports are taken:\n"
                + "\n".join(lines)
                + f"\nStop what holds them, or move this stack: KIERTO_PORT_BASE={free_base(self.base + 100)} make up"
            )


def is_free(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_base(start: int) -> int:
    """Return the first base from `start` on, in steps of 100, with all its ports free."""
    for base in range(start, 65535 - SPAN, 100):
        if all(is_free(base + offset) for offset in OFFSETS.values()):
            return base
    raise StackError(f"No {SPAN} free ports in a row are left from {start} on.")


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()!r} (pid {connection.pid})"
    except psutil.Error:
        pass  # without the right to list connections, the port alone is named
    return "another program"
