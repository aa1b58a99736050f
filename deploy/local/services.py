"""The processes of Kierto: the gateway, and of each service an api, a worker, a relay and its jobs."""

import gc
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from deploy.local.environment import StackEnvironment
from deploy.local.processes import ChildProcess, fork
from deploy.local.readiness import responds_ok
from deploy.local.secrets import SERVICES


@dataclass(frozen=True)
class ForkedPython:
    """A Python process, forked from the supervisor."""

    name: str
    target: Callable[[], int]
    environment: Mapping[str, str]
    ready_url: str
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    last_signal: signal.Signals = signal.SIGKILL

    def start(self) -> ChildProcess:
        return fork(self.target, self.log, self.environment)

    def is_ready(self, pid: int) -> bool:
        return responds_ok(self.ready_url)


def preload_modules(*, mailbox: bool) -> None:
    """Import the modules of all processes once, in their parent: twenty-two starts cost as much as one.

    The collector skips the objects frozen here, so that the children share their memory.
    """
    for package in (*(f"services.{service}" for service in SERVICES), "gateway"):
        import_module(f"{package}.__main__")
        import_module(f"{package}.app")
    for module in ("services.chassis.jobs.compat", "obstore.store"):  # imported late elsewhere
        import_module(module)
    if mailbox:
        import_module("deploy.local.mailbox.app")
    gc.collect()
    gc.freeze()


def processes_of_services(environment: StackEnvironment, role: str) -> list[ForkedPython]:
    """Return the process of one role of every service."""
    return [
        ForkedPython(
            name=f"{service}-{role}",
            target=lambda service=service: _run(f"services.{service}", role),  # type: ignore[misc]
            environment=environment.of_service(service, role),
            ready_url=f"{environment.ports.url(f'{service}-{role}')}/readyz",
            log=environment.home.log(f"{service}-{role}"),
        )
        for service in SERVICES
    ]


def gateway_process(environment: StackEnvironment) -> ForkedPython:
    return ForkedPython(
        name="gateway",
        target=lambda: _run("gateway"),
        environment=environment.of_gateway(),
        ready_url=f"{environment.ports.url('gateway')}/readyz",
        log=environment.home.log("gateway"),
    )


def mailbox_process(environment: StackEnvironment) -> ForkedPython:
    return ForkedPython(
        name="mailbox",
        target=lambda: _run("deploy.local.mailbox", module="app"),
        environment=environment.of_mailbox(),
        ready_url=f"{environment.ports.url('mailbox')}/readyz",
        log=environment.home.log("mailbox"),
    )


def migrate_all(environment: StackEnvironment) -> int:
    """Migrate every service's database, one after another, each with its own settings. It runs in a child."""
    for service in SERVICES:
        os.environ.clear()
        os.environ.update(environment.of_service(service, "migrate"))
        print(f"migrating {service}", flush=True)
        if code := _run(f"services.{service}", "migrate"):
            return code
    return 0


def _run(package: str, *arguments: str, module: str = "__main__") -> int:
    code: int = import_module(f"{package}.{module}").main(*arguments)
    return code
