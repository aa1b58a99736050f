"""Mail with its own outbox: written in the transaction that wants it sent, handed over until the server has taken it.

A repeat can only follow a death between the server's yes and our commit, and then has the same Message-ID.
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
# Taken by putting its next try off: who dies with a letter in hand leaves it to be taken again.
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
"""How long a letter is one process's own: longer than it takes to hand it over or to give up."""


class MailMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as plain text and HTML. ``id`` the same for what must be sent only once; ``language`` is ISO 639-1."""

    recipient: str
    subject: str
    text: str
    html: str
    language: str
    id: uuid.UUID = msgspec.field(default_factory=new_uuid)


async def enqueue(connection: DatabaseConnection, letter: MailMessage) -> None:
    """Write a letter into the present transaction; one with an id that is there already is left as it is."""
    message_id = f"<{letter.id}@kierto>"
    await connection.execute(
        _WRITE, letter.id, letter.recipient, letter.subject, letter.text, letter.html, letter.language, message_id
    )


class MailSender:
    """Hands written letters over to the mail server, one after the other, until it is stopped."""

    def __init__(self, pool: Pool, server: SocketAddress, sender: str, clock: Clock) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop`` is set; a letter on its way is finished."""
        while not stop.is_set():
            try:
                busy = await self._send_one()
            except TRANSIENT_DATABASE_ERRORS as error:
                _log.warning("mail waits for the database", error=type(error).__name__)
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
            _log.warning("mail not taken", mail=str(row["id"]), attempts=row["attempts"], error=type(error).__name__)
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
        message["Content-Language"] = language  # last: setting content clears headers of its kind
        return message
