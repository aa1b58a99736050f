"""The checks of `kierto doctor`: one function each, which returns a finding in plain words."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import kafka_jars
from deploy.local.errors import StackError
from deploy.local.java import java
from deploy.local.kafka_install import is_installed
from deploy.local.lock import holder_of
from deploy.local.paths import Home
from deploy.local.ports import Ports
from deploy.local.postgres_layout import wheel_programs
from deploy.local.valkey import program as valkey_program

_MEMORY_NEEDED = 2.0
_DISK_NEEDED = 2.0
_GIB = 2**30


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    subject: str
    ok: bool
    message: str


def run_checks(home: Home, ports: Ports) -> Iterator[Finding]:
    """Run all checks, one after another."""
    yield _python()
    yield _check_program(
        "PostgreSQL", lambda: wheel_programs() / "postgres", "--version", "KIERTO_<SERVICE>_DATABASE_URL"
    )
    yield _check_program("Valkey", valkey_program, "--version", "KIERTO_REDIS_URL")
    yield _check_program("Java", java, "--version", "KIERTO_KAFKA")
    yield _kafka()
    yield _memory()
    yield _disk(home)
    yield _user(home)
    yield _ports_or_stack(home, ports)


def _python() -> Finding:
    ok = (3, 11) <= sys.version_info[:2] < (3, 15)
    return Finding("Python", ok, platform.python_version() + ("" if ok else "; Kierto needs 3.11 to 3.14"))


def _check_program(subject: str, find: Callable[[], Path], option: str, setting: str) -> Finding:
    """Check that a wheel's program runs on this machine."""
    machine = f"{platform.system()} {platform.machine()}"
    try:
        done = subprocess.run([find(), option], capture_output=True, text=True, timeout=30, check=True)
    except (StackError, OSError, ImportError, RuntimeError, subprocess.SubprocessError) as error:
        return Finding(
            subject,
            False,
            f"does not run on {machine}: {error}. There are wheels for Linux with glibc and macOS, on x86_64 and "
            f"arm64. Elsewhere set {setting} to a real server.",
        )
    return Finding(subject, True, done.stdout.splitlines()[0])


def _kafka() -> Finding:
    total = len(kafka_jars.locked())
    if is_installed():
        return Finding("Kafka", True, f"all {total} jars are there")
    missing = len(kafka_jars.missing())
    return Finding("Kafka", True, f"{missing} of {total} jars are not there yet; the next start fetches them")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / _GIB
    ok = free >= _MEMORY_NEEDED
    return Finding("Memory", ok, f"{free:.1f} GiB free" + ("" if ok else f"; {_MEMORY_NEEDED:.0f} are needed"))


def _disk(home: Home) -> Finding:
    folder = next(step for step in (home.root, *home.root.parents) if step.exists())
    free = shutil.disk_usage(folder).free / _GIB
    ok = free >= _DISK_NEEDED
    return Finding("Disk", ok, f"{free:.1f} GiB free" + ("" if ok else f"; {_DISK_NEEDED:.0f} are needed"))


def _user(home: Home) -> Finding:
    if home.root.exists() and home.root.stat().st_uid != os.geteuid():
        return Finding("User", False, f"{home.root} belongs to another user: run as that user, or set KIERTO_HOME")
    if os.geteuid() == 0:
        pointer = home.postgres / "place"
        where = pointer.read_text().strip() if pointer.exists() else "a folder under /var/lib"
        return Finding("User", True, f"root; PostgreSQL runs as `nobody`, its data lies in {where}")
    return Finding("User", True, f"an ordinary one; all data lies in {home.root}")


def _ports_or_stack(home: Home, ports: Ports) -> Finding:
    if holder := holder_of(home):
        return Finding(
            "Stack", True, f"runs (pid {holder.pid}, ports from {holder.port_base} on); `kierto status` shows more"
        )
    try:
        ports.check()
    except StackError as error:
        return Finding("Ports", False, str(error))
    return Finding("Ports", True, f"those from {ports.base} on are free; nothing runs in {home.root}")
