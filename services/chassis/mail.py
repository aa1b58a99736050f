"""Mail: written in the transaction that causes it, sent by a job until the server accepts it.

A message is sent twice only if the process dies between the server's acceptance and the commit; both then have the same
Message-ID.
"""

import uuid
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import aiosmtplib
import msgspec

from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.ids import new_uuid
from services.chassis.jobs.job import Job, JobRun, RunAgain
from services.chassis.runtime.clock import Clock
from services.chassis.runtime.settings import SocketAddress
from services.chassis.telemetry import metrics
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

_WRITE = """
    INSERT INTO chassis.mail (id, recipient, subject, text, html, language, message_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (id) DO NOTHING
"""
# Two runs of one job do not send the message twice: the second waits for the end of the first one's claim.
_CLAIM = """
    UPDATE chassis.mail
    SET attempts = attempts + 1, claimed_until = clock_timestamp() + make_interval(secs => $2)
    WHERE id = $1 AND sent_at IS NULL AND claimed_until <= clock_timestamp()
    RETURNING id, recipient, subject, text, html, language, message_id, attempts
"""
_IS_UNSENT = "SELECT true FROM chassis.mail WHERE id = $1 AND sent_at IS NULL"
_MARK_SENT = "UPDATE chassis.mail SET sent_at = clock_timestamp() WHERE id = $1"
_RELEASE = "UPDATE chassis.mail SET claimed_until = clock_timestamp() WHERE id = $1"

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


class SendMail(Job, frozen=True, kw_only=True, tag="send-mail"):
    """The job that sends one message."""

    mail_id: uuid.UUID


async def enqueue(connection: DatabaseConnection, mail: MailMessage) -> SendMail:
    """Write a message in the present transaction, unless its id is there already; return the job that sends it."""
    message_id = f"<{mail.id}@kierto>"
    await connection.execute(
        _WRITE, mail.id, mail.recipient, mail.subject, mail.text, mail.html, mail.language, message_id
    )
    return SendMail(mail_id=mail.id)


class MailSender:
    """Sender of messages to the mail server."""

    def __init__(self, pool: Pool, server: SocketAddress, sender: str, clock: Clock) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender
        self._clock = clock

    async def send(self, job: SendMail, run: JobRun) -> None:
        """Send a message and mark it as sent; repeat it later, for ever, if the server does not accept it."""
        row = await self._pool.fetchrow(_CLAIM, job.mail_id, _CLAIM_S)
        if row is None:
            if await self._pool.fetchval(_IS_UNSENT, job.mail_id):
                raise RunAgain(_CLAIM_S)
            return
        try:
            message = self._message(row["recipient"], row["subject"], row["text"], row["html"], row["language"])
            message["Message-ID"] = row["message_id"]
            await aiosmtplib.send(message, hostname=self._server.host, port=self._server.port, timeout=_SEND_TIMEOUT_S)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            metrics.MAIL_FAILURES.inc()
            _log.warning("mail rejected", mail=str(row["id"]), attempts=row["attempts"], error=type(error).__name__)
            await self._pool.execute(_RELEASE, row["id"])
            raise RunAgain(min(3600, 2 ** (min(row["attempts"], 12) - 1))) from None
        await self._pool.execute(_MARK_SENT, row["id"])
        metrics.MAILS_SENT.inc()
        _log.info("mail sent", mail=str(row["id"]))

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
