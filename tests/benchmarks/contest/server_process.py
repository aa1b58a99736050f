"""Process of a contestant on one core, and its CPU time."""

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

    contestant: Contestant
    process: psutil.Process
    port: int

    def cpu_seconds(self) -> float:
        """Return its CPU seconds so far, with its children."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (process.cpu_times() for process in processes))

    def request(self, page: Page, token: str, after: str | None = None) -> bytes:
        """Send one request and return the body of the response; raise URLError or HTTPError on failure."""
        url = f"http://127.0.0.1:{self.port}{self.contestant.path(page)}"
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        http_request = urllib.request.Request(url, page.body(after), headers)
        with urllib.request.urlopen(http_request, timeout=20) as response:
            body: bytes = response.read()
        return body


@contextlib.contextmanager
def pinned_to_core(core: int) -> Iterator[None]:
    """Keep this process on one core for the length of the block, and the processes that it starts there for good."""
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
    """Run a contestant on one core, with its output in a file. ``wait_until_ready`` waits until it serves."""
    log = _LOGS / f"{contestant.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | settings | {"KIERTO_LISTEN": f"127.0.0.1:{port}", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as output, pinned_to_core(core):
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        yield ServerProcess(contestant, psutil.Process(process.pid), port)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(server: ServerProcess, page: Page, token: str) -> None:
    """Wait until a server responds with the page; raise RuntimeError if it does not."""
    deadline = time.monotonic() + _START_S
    while not _is_ready(server, page, token):
        if (
            time.monotonic() > deadline
            or not server.process.is_running()
            or server.process.status() == psutil.STATUS_ZOMBIE
        ):
            raise RuntimeError(f"{server.contestant.name} did not start: see {_LOGS}")
        time.sleep(0.1)


def _is_ready(server: ServerProcess, page: Page, token: str) -> bool:
    try:
        if server.contestant.ready:
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}{server.contestant.ready}", timeout=5).close()
        return "errors" not in msgspec.json.decode(server.request(page, token))
    except (urllib.error.URLError, OSError):
        return False
