"""The mailbox process: an SMTP server and a web server in one event loop."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosmtplib
import uvicorn
from aiosmtpd.smtp import SMTP

from deploy.local.mailbox.bounce import bounces, send_report
from deploy.local.mailbox.store import MailStore
from deploy.local.mailbox.web import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGEST_MAIL = 40 * 1024 * 1024
"""Bytes of the largest mail; SMTP refuses a larger one (552)."""


class MailHandler:
    """aiosmtpd's handler, which stores every mail, and reports on those to addresses that do not exist."""

    def __init__(self, store: MailStore, reports_to: str) -> None:
        self._store = store
        self._reports_to = reports_to
        self._reports: set[asyncio.Task[None]] = set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._store.add(envelope.mail_from or "", envelope.rcpt_tos, envelope.content)
        for recipient in filter(bounces, envelope.rcpt_tos):
            report = asyncio.ensure_future(self._report(envelope.mail_from, recipient))
            self._reports.add(report)
            report.add_done_callback(self._reports.discard)
        return "250 OK"

    async def _report(self, sender: str, recipient: str) -> None:
        try:
            await send_report(self._reports_to, sender, recipient)
        except (aiosmtplib.SMTPException, OSError) as error:
            print(f"no report to {sender}: {error}", file=sys.stderr, flush=True)


def main() -> int:
    """Run until SIGTERM or SIGINT; finish open connections."""
    store = MailStore(Path(os.environ["KIERTO_MAILBOX_FILE"]))
    host, port = _address("KIERTO_LISTEN")
    app = web(store)
    app.router.lifespan_context = lambda app: _smtp_server(store)
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn shuts down, then raises the signal once more
    uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", timeout_graceful_shutdown=5)
    store.close()
    return 0


@asynccontextmanager
async def _smtp_server(store: MailStore) -> "AsyncIterator[None]":
    host, port = _address("KIERTO_SMTP")
    handler = MailHandler(store, os.environ["KIERTO_MAILBOX_BOUNCES"])
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, ident="Kierto mailbox"),
        host,
        port,
    )
    async with server:
        yield


def _address(name: str) -> tuple[str, int]:
    host, _, port = os.environ[name].rpartition(":")
    return host, int(port)
