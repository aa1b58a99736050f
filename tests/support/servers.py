"""The real servers of a test run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg

from deploy.local.ports import Ports, free_base

HOME = "KIERTO_TEST_HOME"
PORT_BASE = "KIERTO_TEST_PORT_BASE"
ROOT = Path(__file__).parents[2]

_started: list[subprocess.Popen[str]] = []


OWNER, RUNTIME = "test_owner", "test_runtime"
"""The roles of the services' databases: of migrations, and of the services' code."""


class Servers(msgspec.Struct, frozen=True):
    """Addresses of the servers."""

    postgres_url: str
    """URL of the superuser, without a database."""
    kafka: str
    redis_url: str

    def database_url(self, name: str) -> str:
        """Return the URL of a database, as the superuser."""
        return f"{self.postgres_url}/{name}"

    def runtime_url(self, name: str) -> str:
        """Return the URL of a service's database, as the role of its processes."""
        return _as_role(self.database_url(name), RUNTIME)

    @property
    def password(self) -> str:
        """Password of the superuser and of the roles of the tests."""
        return urlsplit(self.postgres_url).password or ""


def as_owner(url: str) -> str:
    """Return the URL of a service's database as its owner: for rows and tables that a process may not change."""
    return _as_role(url, OWNER)


def _as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}:{parts.netloc.partition(':')[2]}").geturl()


def start() -> None:
    """Start the servers in a temporary folder, set the environment variables that name it, and wait for them."""
    begin()
    await_ready()


def begin() -> None:
    """Start the servers in a temporary folder and set the environment variables that name it, without a wait."""
    home, base = tempfile.mkdtemp(prefix="kierto-test-"), free_port_base()
    _started.append(_spawn(Path(home), base))
    os.environ[HOME], os.environ[PORT_BASE] = home, str(base)


def await_ready() -> None:
    """Wait for the servers that this process has begun."""
    for process in _started:
        _await_ready(process)


def launch(home: Path, base: int) -> subprocess.Popen[str]:
    """Start servers in a folder, and return their supervisor when they are ready; it deletes their data at its end."""
    process = _spawn(home, base)
    _await_ready(process)
    return process


def _spawn(home: Path, base: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "deploy.local", "--home", str(home), "--port-base", str(base)]
    return subprocess.Popen(
        [*command, "--throwaway", "--with-parent"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            return
    raise RuntimeError("the servers for the tests did not start")


def switch_off_fsync() -> None:
    """Switch off fsync in PostgreSQL: test data need not survive a crash, and a slow disk would slow the tests."""
    with psycopg.connect(find().database_url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def stop() -> None:
    """Stop the servers that this process has started, and delete their data."""
    for process in _started:
        end(process)
        shutil.rmtree(os.environ.pop(HOME), ignore_errors=True)
    _started.clear()


def end(process: subprocess.Popen[str]) -> None:
    """Stop servers by their supervisor."""
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert process.stdout is not None
    process.stdout.close()


def find() -> Servers:
    """Return the addresses of the servers that the environment names."""
    return at(Path(os.environ[HOME]), Ports(int(os.environ[PORT_BASE])))


def at(home: Path, ports: Ports) -> Servers:
    """Return the addresses of the servers of the stack in this folder."""
    password = json.loads((home / "secrets" / "secrets.json").read_text())["postgres_password"]
    return Servers(
        f"postgresql://kierto:{password}@{ports.address('postgres')}",
        ports.address("kafka"),
        f"redis://{ports.address('valkey')}/0",
    )


def free_port_base() -> int:
    """Return a base from which on all ports of a stack are free.

    Each process of a test run starts at another number: else two of them would find the same base.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return free_base(24_000 + 2_000 * int(worker.removeprefix("gw")) if worker else 22_000)
