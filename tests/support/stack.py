"""A whole stack as ``make up`` starts it, in a folder of its own, used from outside."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.detached_service import settings_environment
from deploy.local.paths import Home
from deploy.local.ports import Ports
from tests.support.servers import ROOT, free_port_base


class RunningStack:
    """``kierto up`` as a process, its command line, its mailbox and its process table."""

    def __init__(self, home: Path, port_base: int) -> None:
        self.home = Home(home)
        self.ports = Ports(port_base)
        self.gateway = self.ports.url("gateway")
        self.settings: dict[str, str] = {}
        """Additional settings of its processes (``KIERTO_...``)."""
        self.program = "deploy.cli"
        """Module to run as ``kierto up``."""
        self._up: subprocess.Popen[bytes] | None = None

    def start(self, *, demo: bool = False) -> None:
        """Start everything, with the demonstration data if wanted, and wait until all is ready."""
        log = (self.home.root / "up.log").open("ab")
        offset = log.tell()
        self._up = subprocess.Popen(
            self._command("up", "--demo" if demo else "--no-demo", program=self.program),
            stdout=log,
            stderr=subprocess.STDOUT,
            env=self._environment() | self.settings,
        )
        log.close()
        deadline = time.monotonic() + 300
        while b"Kierto is ready" not in (self.home.root / "up.log").read_bytes()[offset:]:
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.home.root / "up.log").read_text())
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything, as Ctrl-C does."""
        if self._up is not None:
            self._up.send_signal(signal.SIGINT)
            self._up.wait(60)
            self._up = None

    def kierto(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the host to its end."""
        return subprocess.run(
            self._command(*arguments), env=self._environment() | settings, check=False, capture_output=True, text=True
        )

    def pid(self, process: str) -> int:
        """Return the pid of a running process, by its name."""
        table = json.loads(self.home.process_table.read_text())
        return int(table[process])

    def kill(self, process: str) -> None:
        """Send SIGKILL to a process."""
        self.signal(process, signal.SIGKILL)

    def signal(self, process: str, number: signal.Signals) -> None:
        """Send a signal to a running process."""
        os.kill(self.pid(process), number)

    def restarted(self, process: str, before: int) -> bool:
        """Tell whether a process with another pid than ``before`` runs and is ready."""
        return self.replaced(process, before) and self.ready(process)

    def replaced(self, process: str, before: int) -> bool:
        """Tell whether a process with another pid than ``before`` runs under this name."""
        table = json.loads(self.home.process_table.read_text())
        return bool(table.get(process, before) != before)

    def ready(self, process: str) -> bool:
        """Tell whether a process's readiness check succeeds."""
        try:
            with urllib.request.urlopen(f"{self.ports.url(process)}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def log(self, process: str) -> list[dict[str, object]]:
        """Return the lines of a process's log, without incomplete ones."""
        entries = []
        for line in self.home.log(process).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                entries.append(json.loads(line))
        return entries

    def mails(self, recipient: str) -> list[dict[str, Any]]:
        """Return the mails to a recipient in the mailbox, newest first."""
        base = f"{self.ports.url('mailbox')}/api/messages"
        with urllib.request.urlopen(f"{base}?to={recipient}", timeout=5) as response:
            summaries = json.load(response)["messages"]
        mails = []
        for summary in summaries:
            with urllib.request.urlopen(f"{base}/{summary['id']}", timeout=5) as response:
                mails.append(json.load(response))
        return mails

    def sign_in_of(self, who: str) -> tuple[str, str]:
        """Return the name and password of a person of the demonstration data."""
        accounts = json.loads((self.home.root / "demo" / "sign-ins.json").read_text(encoding="utf-8"))
        return next((account["name"], account["password"]) for account in accounts if who in account["who"])

    def delete(self) -> None:
        """Delete all its data, PostgreSQL's folder included."""
        self.kierto("reset", "--yes")
        shutil.rmtree(self.home.root, ignore_errors=True)

    def _command(self, *arguments: str, program: str = "deploy.cli") -> list[str]:
        return [sys.executable, "-P", "-m", program, *arguments]

    def _environment(self) -> dict[str, str]:
        return {name: text for name, text in os.environ.items() if not name.startswith("KIERTO_")} | {
            "PYTHONPATH": str(ROOT),
            "KIERTO_HOME": str(self.home.root),
            "KIERTO_PORT_BASE": str(self.ports.base),
        }


def new_stack() -> RunningStack:
    """Return a stack that is not started yet."""
    return RunningStack(Path(tempfile.mkdtemp(prefix="kierto-stack-")), free_port_base())


@contextlib.contextmanager
def running_stack(stack: RunningStack, *, demo: bool = False) -> Iterator[RunningStack]:
    """Run the stack for the length of a block, and delete it afterwards."""
    try:
        stack.start(demo=demo)
        yield stack
    finally:
        stack.stop()
        stack.delete()


@contextlib.asynccontextmanager
async def database(stack: RunningStack, service: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Open a connection to the database of a service, with the role of its processes, for the length of a block."""
    url = settings_environment(service, stack.home.root)[f"KIERTO_{service.upper()}_DATABASE_URL"]
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
