"""The mailbox process: an SMTP server and a web server in one event loop."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from aiosmtpd.smtp import SMTP

from deploy.local.mailbox.store import MailStore
from deploy.local.mailbox.web import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGEST_MAIL = 40 * 1024 * 1024
"""Bytes of the largest mail; SMTP refuses a larger one (552)."""


class MailHandler:
    """aiosmtpd's handler, which stores every mail."""

    def __init__(self, store: MailStore) -> None:
        self._store = store

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self._store.add(envelope.mail_from or "", envelope.rcpt_tos, envelope.content)
        return "250 OK"


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
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(MailHandler(store), data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, ident="Kierto mailbox"),
        host,
        port,
    )
    async with server:
        yield


def _address(name: str) -> tuple[str, int]:
    host, _, port = os.environ[name].rpartition(":")
    return host, int(port)
