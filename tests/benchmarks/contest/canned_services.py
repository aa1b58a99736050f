"""Canned services: a compiled program in the place of identity, sites and orders."""

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.benchmarks.contest import native_programs

SERVICES = ("identity", "sites", "orders")


class CannedServices:
    """The running program, with its URLs by service."""

    def __init__(self, urls: dict[str, str]) -> None:
        self.urls = urls

    def use(self, page: str) -> None:
        """Respond with this page's files from now on."""
        self._get("sites", f"/use/{page}")

    def call_count(self) -> int:
        """Count all calls since the start."""
        return sum(sum(self.path_counts(service).values()) for service in self.urls)

    def last_request(self, service: str) -> str:
        """Return the last request of a service, head and body."""
        return self._get(service, "/last").decode()

    def path_counts(self, service: str) -> dict[str, int]:
        """Return the number of calls of each path of a service."""
        return msgspec.json.decode(self._get(service, "/count"), type=dict[str, int])

    def _get(self, service: str, path: str) -> bytes:
        with urllib.request.urlopen(self.urls[service] + path, timeout=5) as response:
            body: bytes = response.read()
        return body


@contextlib.contextmanager
def run_canned_services(folder: Path) -> Iterator[CannedServices]:
    """Run the program on a folder of pages, each with a file a call."""
    process = subprocess.Popen(
        [native_programs.compile_program("canned"), folder, str(len(SERVICES))], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        ports = process.stdout.readline().split()
        yield CannedServices(
            {service: f"http://127.0.0.1:{port}" for service, port in zip(SERVICES, ports, strict=True)}
        )
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
