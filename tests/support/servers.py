"""The real servers of a test run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import psycopg

from deploy.local.ports import Ports, free_base

HOME = "KIERTO_TEST_HOME"
PORT_BASE = "KIERTO_TEST_PORT_BASE"
ROOT = Path(__file__).parents[2]

_started: list[subprocess.Popen[str]] = []


class Servers(msgspec.Struct, frozen=True):
    """Where the servers listen. ``postgres_url`` is the superuser's, without a database."""

    postgres_url: str
    kafka: str
    redis_url: str

    def database_url(self, name: str) -> str:
        return f"{self.postgres_url}/{name}"


def start() -> None:
    """Start them in a folder of their own, and leave word in the environment."""
    home, base = tempfile.mkdtemp(prefix="kierto-test-"), free_port_base()
    command = [sys.executable, "-P", "-m", "deploy.local", "--home", home, "--port-base", str(base)]
    process = subprocess.Popen(
        [*command, "--throwaway", "--with-parent"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "ready":
            break
    else:
        raise RuntimeError("the servers for the tests did not start")
    _started.append(process)
    os.environ[HOME], os.environ[PORT_BASE] = home, str(base)


def switch_off_fsync() -> None:
    """Let PostgreSQL wait for no disk: what tests write need not outlive the machine, and a slow disk slows none."""
    with psycopg.connect(find().database_url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def stop() -> None:
    """Stop what this process has started, and delete its data."""
    for process in _started:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(os.environ.pop(HOME), ignore_errors=True)
    _started.clear()


def find() -> Servers:
    """Where they are, as the environment says."""
    return at(Path(os.environ[HOME]), Ports(int(os.environ[PORT_BASE])))


def at(home: Path, ports: Ports) -> Servers:
    """Where the servers of the stack in this folder are."""
    password = json.loads((home / "secrets" / "secrets.json").read_text())["postgres_password"]
    return Servers(
        f"postgresql://kierto:{password}@{ports.address('postgres')}",
        ports.address("kafka"),
        f"redis://{ports.address('valkey')}/0",
    )


def free_port_base() -> int:
    """A base from which on every port of a stack is free just now.

    Each process of a test run looks from a place of its own on: else two of them would find the same.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return free_base(24_000 + 2_000 * int(worker.removeprefix("gw")) if worker else 22_000)
