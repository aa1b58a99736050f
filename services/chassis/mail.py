"""Mail: written in the transaction that causes it, sent by a job until the server accepts it or its deadline is over.

A message is sent twice only if the process dies between the server's acceptance and the commit; both then have the same
Message-ID.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from email.headerregistry import Address as MailAddress
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
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
    INSERT INTO chassis.mail
        (id, recipient, subject, text, html, language, message_id, headers, deadline, envelope_sender, confidential)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (id) DO NOTHING
"""
# Two runs of one job do not send the message twice: the second waits for the end of the first one's claim.
_CLAIM = """
    UPDATE chassis.mail
    SET attempts = attempts + 1, claimed_until = clock_timestamp() + make_interval(secs => $2)
    WHERE id = $1 AND sent_at IS NULL AND given_up_at IS NULL AND claimed_until <= clock_timestamp()
    RETURNING
        id, recipient, subject, text, html, language, message_id, headers, deadline, envelope_sender, attempts
"""
_IS_UNSENT = "SELECT true FROM chassis.mail WHERE id = $1 AND sent_at IS NULL AND given_up_at IS NULL"
_CLEAR_BODY = "text = CASE WHEN confidential THEN '' ELSE text END, html = CASE WHEN confidential THEN '' ELSE html END"
_MARK_SENT = f"UPDATE chassis.mail SET sent_at = clock_timestamp(), {_CLEAR_BODY} WHERE id = $1"
_MARK_GIVEN_UP = f"UPDATE chassis.mail SET given_up_at = clock_timestamp(), {_CLEAR_BODY} WHERE id = $1"
_WITHDRAW = f"""
    UPDATE chassis.mail SET given_up_at = clock_timestamp(), {_CLEAR_BODY}
    WHERE id = ANY ($1) AND sent_at IS NULL AND given_up_at IS NULL
"""
_RELEASE = "UPDATE chassis.mail SET claimed_until = clock_timestamp() WHERE id = $1"

_SEND_TIMEOUT_S = 10
_CLAIM_S = 30
"""Duration of a claim: longer than a message takes to be sent or to fail."""


class _UnfoldedHeader(UnstructuredHeader, BaseHeader):
    """A header field that stays in one line: the library would write a long address as encoded words."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _UnfoldedHeader)
_POLICY = EmailPolicy(header_factory=_HEADERS)


class MailMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as plain text and HTML."""

    recipient: str
    subject: str
    text: str
    html: str
    language: str
    """ISO 639-1."""
    headers: Mapping[str, str] = {}
    """Header fields beside those that every mail has."""
    deadline: dt.datetime | None = None
    """The time by which the server must have accepted it; None: it is tried for ever."""
    envelope_sender: str = ""
    """The address to which reports of its delivery go (RFC 5321, section 4.4, Return-Path); empty: the sender's."""
    confidential: bool = False
    """Whether it has a secret: then its body is deleted as soon as it is sent or given up."""
    id: uuid.UUID = msgspec.field(default_factory=new_uuid)
    """Idempotency key: a message with a known id is not enqueued again."""


class SendMail(Job, frozen=True, kw_only=True, tag="send-mail"):
    """The job that sends one message."""

    mail_id: uuid.UUID


async def enqueue(connection: DatabaseConnection, mail: MailMessage) -> SendMail:
    """Write a message in the present transaction, unless its id is there already; return the job that sends it."""
    message_id = f"<{mail.id}@kierto>"
    await connection.execute(
        _WRITE,
        mail.id,
        mail.recipient,
        mail.subject,
        mail.text,
        mail.html,
        mail.language,
        message_id,
        msgspec.json.encode(mail.headers).decode(),
        mail.deadline,
        mail.envelope_sender,
        mail.confidential,
    )
    return SendMail(mail_id=mail.id)


async def withdraw(connection: DatabaseConnection, ids: Sequence[uuid.UUID]) -> None:
    """Withdraw messages that were not sent yet."""
    await connection.execute(_WITHDRAW, ids)


class MailOwner:
    """The part of a service that decides about its mails; this one has each sent, or given up without a consequence."""

    async def may_send(self, mail_id: uuid.UUID) -> bool:
        """Return whether a message is to be sent; False ends its job, True lets it be tried. May raise RunAgain."""
        return True

    async def give_up(self, mail_id: uuid.UUID) -> None:
        """Note that a message was not accepted by its deadline; more than once if the process dies."""


class MailSender:
    """Sender of messages to the mail server."""

    def __init__(self, pool: Pool, server: SocketAddress, sender: str, clock: Clock, owner: MailOwner) -> None:
        self._pool = pool
        self._server = server
        self._sender = sender
        self._clock = clock
        self._owner = owner

    async def send(self, job: SendMail, run: JobRun) -> None:
        """Send a message and mark it as sent; if the server does not accept it, repeat it later until its deadline."""
        if not await self._owner.may_send(job.mail_id):
            return
        row = await self._pool.fetchrow(_CLAIM, job.mail_id, _CLAIM_S)
        if row is None:
            if await self._pool.fetchval(_IS_UNSENT, job.mail_id):
                raise RunAgain(_CLAIM_S)
            return
        try:
            message = self._message(row["recipient"], row["subject"], row["text"], row["html"], row["language"])
            for name, value in msgspec.json.decode(row["headers"], type=dict[str, str]).items():
                message[name] = value
            message["Message-ID"] = row["message_id"]
            await aiosmtplib.send(
                message,
                sender=row["envelope_sender"] or None,
                hostname=self._server.host,
                port=self._server.port,
                timeout=_SEND_TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            metrics.MAIL_FAILURES.inc()
            _log.warning("mail rejected", mail=str(row["id"]), attempts=row["attempts"], error=type(error).__name__)
            if row["deadline"] is not None and self._clock.now() >= row["deadline"]:
                await self._owner.give_up(row["id"])
                await self._pool.execute(_MARK_GIVEN_UP, row["id"])
                return
            await self._pool.execute(_RELEASE, row["id"])
            raise RunAgain(min(3600, 2 ** (min(row["attempts"], 12) - 1))) from None
        await self._pool.execute(_MARK_SENT, row["id"])
        metrics.MAILS_SENT.inc()
        _log.info("mail sent", mail=str(row["id"]))

    def _message(self, recipient: str, subject: str, text: str, html: str, language: str) -> EmailMessage:
        message = EmailMessage(_POLICY)
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
