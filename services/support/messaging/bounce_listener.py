"""The listener for mails that come back (RFC 3464), by SMTP in the event loop of the worker.

SMTP rather than LMTP: every mail server relays by it, and a report has one recipient, so that one reply is enough. It
relays nothing: it accepts mail to the addresses alone that support's own mails have as the senders of their envelopes.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from services.chassis.runtime.settings import SocketAddress
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger
from services.support.domain.delivery_report import DeliveryFailure, read_report
from services.support.usecases.ports.bounce_addresses import BounceAddresses

_log = logger(__name__)

MAX_MESSAGE_BYTES = 256 * 1024
"""Bytes of a mail; the size is advertised (RFC 1870), and a larger one refused with 552."""
MAX_RECIPIENTS = 10
MAX_CONNECTIONS = 20
MAX_CONNECTION_BYTES = 8 * MAX_MESSAGE_BYTES
"""Bytes of a connection, after which it is closed: the library keeps a line without an end in memory."""
_MAX_COMMANDS = 100
"""Commands of one kind in a connection."""
_TIMEOUT_S = 60
"""Duration of a command, the mail after DATA included."""

RecordBounce = Callable[[uuid.UUID, DeliveryFailure], Awaitable[None]]
"""Records that a mail came back; called again with a repeated report."""


class BounceListener:
    """Server that reads reports. Several on one host share the port, and the kernel distributes the connections."""

    def __init__(self, listen: SocketAddress, addresses: BounceAddresses, record: RecordBounce) -> None:
        self._listen = listen
        self._handler = _Handler(addresses, record)
        self._open: set[_Connection] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Accept mails until ``stop`` is set."""
        async with self.listening():
            await stop.wait()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[SocketAddress]:
        """Accept mails, at the address that is returned. At the end open connections are closed.

        A report whose reply was not sent is sent again by its server.
        """
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connect, self._listen.host, self._listen.port, reuse_port=True)
        try:
            bound = SocketAddress(*server.sockets[0].getsockname()[:2])
            _log.info("listening for bounces", listen=str(bound))
            yield bound
        finally:
            server.close()
            for connection in list(self._open):
                connection.close()
            await server.wait_closed()

    def _connect(self) -> asyncio.Protocol:
        return _Connection(self._handler, self._open) if len(self._open) < MAX_CONNECTIONS else _Refusal()


class _Refusal(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"421 4.3.2 Too many connections\r\n")
        transport.close()


class _Connection(SMTP):
    """A connection of a mail server."""

    def __init__(self, handler: "_Handler", opened: "set[_Connection]") -> None:
        super().__init__(
            handler,
            data_size_limit=MAX_MESSAGE_BYTES,
            hostname="kierto",
            ident="bounces",
            timeout=_TIMEOUT_S,
            command_call_limit=_MAX_COMMANDS,
            loop=asyncio.get_running_loop(),
        )
        self._opened = opened
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.add(self)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > MAX_CONNECTION_BYTES:
            self.close()
            return
        super().data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._opened.discard(self)
        super().connection_lost(error)

    def close(self) -> None:
        """Close the connection without a reply."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()


class _Handler:
    """The replies to the commands of mail servers, under the names by which aiosmtpd calls them."""

    def __init__(self, addresses: BounceAddresses, record: RecordBounce) -> None:
        self._addresses = addresses
        self._record = record

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if self._addresses.read(address) is None:
            return "550 5.1.1 No such address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take whatever came to an address, so that its server does not report on it; act on failures alone."""
        failures = read_report(envelope.content)
        if not failures:
            outcome = "unreadable" if failures is None else "ignored"
            metrics.BOUNCES.labels(outcome).inc()
            _log.info("no bounce", outcome=outcome, bytes=len(envelope.content))
            return "250 2.0.0 OK"
        for address in envelope.rcpt_tos:
            mail_id = self._addresses.read(address)
            assert mail_id is not None, "the recipient was accepted"
            await self._record(mail_id, failures[0])
            metrics.BOUNCES.labels("failed").inc()
            _log.info("mail bounced", mail=str(mail_id), status=failures[0].status)
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Have the server repeat what failed, as while the database is unavailable."""
        _log.error("bounce failed", exc_info=error)
        return "451 4.3.0 Try again later"
