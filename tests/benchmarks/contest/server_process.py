"""A contestant's process: on one core, with what it has used of it."""

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import psutil

from tests.benchmarks.contest.contestants import Contestant
from tests.benchmarks.contest.native_programs import SCRATCH
from tests.benchmarks.contest.pages import Page
from tests.support.servers import ROOT

_START_S = 60
_LOGS = SCRATCH / "logs"


class ServerProcess(msgspec.Struct, frozen=True):
    """A contestant's process, and where it listens."""

    server: Contestant
    process: psutil.Process
    port: int

    def cpu_seconds(self) -> float:
        """What it has used so far, with its children."""
        everyone = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (one.cpu_times() for one in everyone))

    def ask(self, page: Page, token: str, after: str | None = None) -> bytes:
        """The body of one answer; URLError or HTTPError if there is none."""
        url = f"http://127.0.0.1:{self.port}{self.server.path(page)}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = urllib.request.Request(url, page.body(after), headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            body: bytes = answer.read()
        return body


@contextlib.contextmanager
def pinned_to_core(core: int) -> Iterator[None]:
    """Keep this process on one core meanwhile, and what it starts for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def start_server(
    contestant: Contestant, command: Sequence[str], core: int, port: int, settings: Mapping[str, str]
) -> Iterator[ServerProcess]:
    """Run it on one core; what it says goes to a file. Not yet ready: see ``wait_until_ready``."""
    log = _LOGS / f"{contestant.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | settings | {"KIERTO_LISTEN": f"127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as said, pinned_to_core(core):
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        yield ServerProcess(contestant, psutil.Process(process.pid), port)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(one: ServerProcess, page: Page, token: str) -> None:
    """Wait until it answers the page; RuntimeError if it does not."""
    end = time.monotonic() + _START_S
    while not _is_ready(one, page, token):
        if time.monotonic() > end or not one.process.is_running() or one.process.status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError(f"{one.server.name} did not start: see {_LOGS}")
        time.sleep(0.1)


def _is_ready(one: ServerProcess, page: Page, token: str) -> bool:
    try:
        if one.server.ready:
            urllib.request.urlopen(f"http://127.0.0.1:{one.port}{one.server.ready}", timeout=5).close()
        return "errors" not in msgspec.json.decode(one.ask(page, token))
    except (urllib.error.URLError, OSError):
        return False
