"""Stubs of the packages `services.*` and `gateway`, whose processes serve /readyz and describe themselves.

They test the stack with real forked processes, without the work of the services.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from deploy.local.paths import CLONE
from deploy.local.secrets import SERVICES

IMPORTED_IN = os.getpid()
"""The process that imported this module: the supervisor, if children are forked."""


def build(folder: Path) -> Path:
    """Write the packages into the folder; on PYTHONPATH before the clone they replace the real ones."""
    packages = [folder / "services" / service for service in SERVICES]
    for package in (folder / "services", folder / "gateway", *packages):
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "app.py").touch()
        (package / "__main__.py").write_text("from tests.integration.deploy.stub_services import main\n")
    jobs = folder / "services" / "chassis" / "jobs"
    jobs.mkdir(parents=True)
    (jobs / "compat.py").touch()
    (jobs.parent / "auth").symlink_to(CLONE / "services" / "chassis" / "auth")  # makes the key rings
    playground = folder / "gateway" / "playground"
    playground.mkdir()
    (playground / "__init__.py").touch()
    (playground / "output.py").write_text("def is_built():\n    return True\n")
    return folder


def main(role: str = "gateway") -> int:
    """Run the process of a stub."""
    if role == "migrate":
        return int(os.environ.get("KIERTO_ORDERS_MIGRATION_FAILS", "0"))
    host, _, port = os.environ["KIERTO_LISTEN"].rpartition(":")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    HTTPServer((host, int(port)), _Handler).serve_forever()
    return 1


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        description = {"pid": os.getpid(), "imported_in": IMPORTED_IN, "environment": dict(os.environ)}
        self.send_response(200 if self.path in ("/readyz", "/description") else 404)
        self.end_headers()
        self.wfile.write(json.dumps(description).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""
