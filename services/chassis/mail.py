"""Mail with a transactional outbox: enqueued in the transaction that causes it, sent until the server accepts it.

A message is sent twice only if the process dies between the server's acceptance and the commit; both then have the same
Message-ID.
"""

import asyncio
import uuid
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib
import msgspec

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, DatabaseConnection, Pool
from services.chassis.ids import new_uuid
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.pause import pause
from services.chassis.runtime.settings import SocketAddress
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_WRITE = """
    INSERT INTO chassis.mail (id, recipient, subject, text, html, language, message_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO NOTHING
"""
# A claim only postpones the next try, so another process retries a message whose sender died.
_CLAIM = """
    UPDATE chassis.mail SET attempts = attempts + 1, next_try = clock_timestamp() + make_interval(secs => $1)
    WHERE id = (SELECT id FROM chassis.mail WHERE sent_at IS NULL AND next_try <= clock_timestamp()
                ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, recipient, subject, text, html, language, message_id, attempts
"""
_MARK_SENT = "UPDATE chassis.mail SET sent_at = clock_timestamp() WHERE id = $1"
_RESCHEDULE = """
    UPDATE chassis.mail
    SET next_try = clock_timestamp() + make_interval(secs => least(3600, power(2, least(attempts, 12) - 1)))
    WHERE id = $1
"""

_SEND_TIMEOUT_S = 10
_CLAIM_S = 30
"""Duration of a claim: longer than a message takes to be sent or to fail."""


class MailMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as plain text and HTML."""

    recipient: str
    subject: str
    text: str
    html: str
    language: str
    """ISO 639-1."""
    id: uuid.UUID = msgspec.field(default_factory=new_uuid)
    """Idempotency key: a message with a known id is not enqueued again."""


async def enqueue(connection: DatabaseConnection, mail: MailMessage) -> None:
    """Write a message into the outbox in the present transaction; do nothing if its id is there already."""
    message_id = f"<{mail.id}@kierto>"
    await connection.execute(
        _WRITE, mail.id, mail.recipient, mail.subject, mail.text, mail.html, mail.language, message_id
    )


class MailSender:
    """Sender of enqueued messages to the mail server, one at a time."""

    def __init__(self, pool: Pool, server: SocketAddress, sender: str, clock: Clock) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Send messages until ``stop`` is set; finish the present one."""
        while not stop.is_set():
            try:
                busy = await self._send_one()
            except TRANSIENT_DATABASE_ERRORS as error:
                _log.warning("mail sender waiting for database", error=type(error).__name__)
                busy = False
            if not busy:
                await pause(stop, 0.1)

    async def _send_one(self) -> bool:
        row = await self._pool.fetchrow(_CLAIM, _CLAIM_S)
        if row is None:
            return False
        try:
            message = self._message(row["recipient"], row["subject"], row["text"], row["html"], row["language"])
            message["Message-ID"] = row["message_id"]
            await aiosmtplib.send(message, hostname=self._server.host, port=self._server.port, timeout=_SEND_TIMEOUT_S)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            metrics.MAIL_FAILURES.inc()
            _log.warning("mail rejected", mail=str(row["id"]), attempts=row["attempts"], error=type(error).__name__)
            await self._pool.execute(_RESCHEDULE, row["id"])
            return True
        await self._pool.execute(_MARK_SENT, row["id"])
        metrics.MAILS_SENT.inc()
        _log.info("mail sent", mail=str(row["id"]))
        return True

    def _message(self, recipient: str, subject: str, text: str, html: str, language: str) -> EmailMessage:
        message = EmailMessage()
        name, address = parseaddr(self._sender)
        message["From"] = MailAddress(display_name=name, addr_spec=address)
        message["To"] = MailAddress(addr_spec=recipient)
        message["Subject"] = subject
        message["Date"] = format_datetime(self._clock.now())
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834, section 5
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        message["Content-Language"] = language  # last, since set_content clears Content-* headers
        return message
