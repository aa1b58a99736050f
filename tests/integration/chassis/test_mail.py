"""Mail: enqueued with its transaction, and sent once, with retries until the server accepts it."""

import asyncio
import contextlib
import datetime as dt
import socket
import uuid
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.chassis.ids import new_uuid
from services.chassis.jobs.job import JobHandler, JobRun
from services.chassis.mail import MailMessage, MailOwner, MailSender, SendMail, withdraw
from services.chassis.runtime.settings import SocketAddress
from tests.support.alpha import Alpha
from tests.support.clock import TestClock
from tests.support.job_runner import running_jobs
from tests.support.polling import until


class MailServer:
    """A real SMTP server that keeps what it takes, and refuses the first ``refusals``."""

    def __init__(self, refusals: int = 0) -> None:
        self.taken: list[Message] = []
        self.senders: list[str] = []
        """The senders of the envelopes."""
        self.refusals = refusals

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refusals:
            self.refusals -= 1
            return "451 try again later"
        self.taken.append(message_from_bytes(envelope.content))
        self.senders.append(envelope.mail_from)
        return "250 OK"


@contextlib.asynccontextmanager
async def mail_server(kept: MailServer) -> AsyncIterator[SocketAddress]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(kept, hostname="test"), sock=listener)
    yield SocketAddress(*listener.getsockname())
    server.close()
    await server.wait_closed()


class Owner(MailOwner):
    """A service that withholds mails, and counts those that were given up."""

    def __init__(self) -> None:
        self.withheld = False
        self.given_up: list[uuid.UUID] = []

    async def may_send(self, mail_id: uuid.UUID) -> bool:
        return not self.withheld

    async def give_up(self, mail_id: uuid.UUID) -> None:
        self.given_up.append(mail_id)


@contextlib.asynccontextmanager
async def delivering(alpha: Alpha, server: SocketAddress, clock: TestClock, runners: int = 1) -> AsyncIterator[None]:
    sender = MailSender(alpha.pool, server, "Kierto <kierto@example.fi>", clock, MailOwner())
    async with running_jobs(alpha.pool, JobHandler(SendMail, sender.send), runners=runners):
        yield


def letter(**changed: Any) -> MailMessage:
    values: dict[str, Any] = {
        "recipient": "mirja@example.fi",
        "subject": "Palaute vastaanotettu",
        "text": "Hei! Äänekästä palautetta.",
        "html": "<p>Hei! Äänekästä palautetta.</p>",
        "language": "fi",
    }
    return MailMessage(**(values | changed))


async def accepted_mails(kept: MailServer) -> list[Message]:
    return kept.taken


async def test_a_message_arrives_as_text_and_html(alpha: Alpha, clock: TestClock) -> None:
    kept = MailServer()
    async with mail_server(kept) as server, delivering(alpha, server, clock):
        async with alpha.work() as tx:
            await tx.send_mail(letter())
        (message,) = await until(lambda: accepted_mails(kept))
    assert message["To"] == "mirja@example.fi"
    assert message["Content-Language"] == "fi"
    assert message["Auto-Submitted"] == "auto-generated"
    parts = [part.get_content_type() for part in message.walk()]
    assert parts == ["multipart/alternative", "text/plain", "text/html"]


async def test_a_message_of_a_rolled_back_transaction_is_not_sent(alpha: Alpha) -> None:
    with pytest.raises(RuntimeError):
        async with alpha.work() as tx:
            await tx.send_mail(letter())
            raise RuntimeError
    assert await alpha.pool.fetchval("SELECT count(*) FROM chassis.mail") == 0


async def test_a_refused_message_is_sent_again_with_the_same_message_id(alpha: Alpha, clock: TestClock) -> None:
    kept = MailServer(refusals=1)
    async with mail_server(kept) as server, delivering(alpha, server, clock):
        one = letter()
        for _ in range(2):
            async with alpha.work() as tx:
                await tx.send_mail(one)
        await until(lambda: accepted_mails(kept))
        await until(lambda: alpha.pool.fetchval("SELECT bool_and(sent_at IS NOT NULL) FROM chassis.mail"))
    assert [message["Message-ID"] for message in kept.taken] == [f"<{one.id}@kierto>"]


async def test_two_processes_never_send_the_same_message(alpha: Alpha, clock: TestClock) -> None:
    kept = MailServer()
    async with mail_server(kept) as server, delivering(alpha, server, clock, runners=2):
        for _ in range(30):
            async with alpha.work() as tx:
                await tx.send_mail(letter(id=new_uuid()))
        await until(lambda: alpha.pool.fetchval("SELECT bool_and(sent_at IS NOT NULL) FROM chassis.mail"))
    identities = [message["Message-ID"] for message in kept.taken]
    assert len(identities) == len(set(identities)) == 30


async def test_a_message_has_the_header_fields_that_it_was_given(alpha: Alpha, clock: TestClock) -> None:
    kept = MailServer()
    link = f"<https://kierto.example/unsubscribe/{'a' * 300}>"  # longer than a line may be that the library folds
    async with mail_server(kept) as server, delivering(alpha, server, clock):
        async with alpha.work() as tx:
            await tx.send_mail(letter(headers={"List-Unsubscribe": link, "List-Unsubscribe-Post": "One-Click"}))
        (message,) = await until(lambda: accepted_mails(kept))
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (link, "One-Click")


async def test_the_body_of_a_mail_with_a_secret_is_deleted_when_it_is_sent_or_given_up(
    alpha: Alpha, clock: TestClock
) -> None:
    kept = MailServer(refusals=1)
    sent, given_up, withdrawn = (letter(confidential=True) for _ in range(3))
    usual = letter()
    async with mail_server(kept) as server:
        sender = MailSender(alpha.pool, server, "Kierto <kierto@example.fi>", clock, Owner())
        for mail in (sent, letter(id=given_up.id, confidential=True, deadline=clock.now()), withdrawn, usual):
            async with alpha.work() as tx:
                await tx.send_mail(mail)
        async with alpha.pool.acquire() as connection:
            await withdraw(connection, [withdrawn.id])
        for mail in (given_up, sent, usual):
            await sender.send(SendMail(mail_id=mail.id), JobRun(1, asyncio.Event()))
    rows = await alpha.pool.fetch("SELECT id, text, html FROM chassis.mail")
    assert {row["id"]: (row["text"], row["html"]) for row in rows} == {
        sent.id: ("", ""),
        given_up.id: ("", ""),
        withdrawn.id: ("", ""),
        usual.id: (usual.text, usual.html),
    }
    assert [message["Message-ID"] for message in kept.taken] == [f"<{sent.id}@kierto>", f"<{usual.id}@kierto>"]
    assert [part.get_payload(decode=True) for part in kept.taken[0].walk()][1:] == [
        part.get_payload(decode=True) for part in kept.taken[1].walk()
    ][1:]


async def test_an_owner_withholds_a_message_and_withdraws_it(alpha: Alpha, clock: TestClock) -> None:
    owner, kept = Owner(), MailServer()
    owner.withheld = True
    withheld, withdrawn = letter(), letter()
    async with mail_server(kept) as server:
        sender = MailSender(alpha.pool, server, "Kierto <kierto@example.fi>", clock, owner)
        async with alpha.work() as tx:
            await tx.send_mail(withheld)
            await tx.send_mail(withdrawn)
        for letter_id in (withheld.id, withdrawn.id):
            await sender.send(SendMail(mail_id=letter_id), JobRun(1, asyncio.Event()))
        assert await accepted_mails(kept) == []
        async with alpha.work() as tx:
            await tx.withdraw_mails([withdrawn.id])
        owner.withheld = False
        for letter_id in (withheld.id, withdrawn.id):
            await sender.send(SendMail(mail_id=letter_id), JobRun(1, asyncio.Event()))
        (message,) = await accepted_mails(kept)
        assert message["Message-ID"] == f"<{withheld.id}@kierto>"
    assert owner.given_up == []


async def test_a_message_may_name_the_sender_of_its_envelope(alpha: Alpha, clock: TestClock) -> None:
    kept = MailServer()
    async with mail_server(kept) as server, delivering(alpha, server, clock):
        async with alpha.work() as tx:
            await tx.send_mail(letter())
            await tx.send_mail(letter(envelope_sender="bounces+1@example.fi"))
        await until(lambda: accepted_mails(kept), lambda taken: len(taken) == 2)
    assert sorted(kept.senders) == ["bounces+1@example.fi", "kierto@example.fi"]
    assert {message["From"] for message in kept.taken} == {"Kierto <kierto@example.fi>"}


async def test_a_message_is_given_up_at_its_deadline(alpha: Alpha, clock: TestClock) -> None:
    owner = Owner()
    kept = MailServer(refusals=1000)
    early, late = (letter(deadline=clock.now() + dt.timedelta(days=days)) for days in (1, 2))
    async with mail_server(kept) as server:
        sender = MailSender(alpha.pool, server, "Kierto <kierto@example.fi>", clock, owner)
        async with alpha.work() as tx:
            await tx.send_mail(early)
            await tx.send_mail(late)
        clock.move(days=1)
        async with running_jobs(alpha.pool, JobHandler(SendMail, sender.send)):
            is_given_up = "SELECT given_up_at IS NOT NULL FROM chassis.mail WHERE id = $1"
            await until(lambda: alpha.pool.fetchval(is_given_up, early.id))
            tried = "SELECT attempts FROM chassis.mail WHERE id = $1"
            await until(lambda: alpha.pool.fetchval(tried, late.id), lambda attempts: attempts >= 2)
            assert not await alpha.pool.fetchval(is_given_up, late.id)
            kept.refusals = 0
            await until(lambda: accepted_mails(kept))
        await sender.send(SendMail(mail_id=early.id), JobRun(1, asyncio.Event()))
    assert owner.given_up == [early.id]
    assert [message["Message-ID"] for message in kept.taken] == [f"<{late.id}@kierto>"]
