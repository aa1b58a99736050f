"""The listener for mails that come back, over real sockets."""

import asyncio
import contextlib
import logging
import socket
import uuid
from collections.abc import AsyncIterator

import aiosmtplib
import pytest
import uvloop
from prometheus_client import REGISTRY

from deploy.local.mailbox.bounce import report
from services.chassis.runtime.settings import InvalidSettings, SocketAddress
from services.chassis.telemetry.logging import configure
from services.contracts.identity.people import Language
from services.support.app import SUPPORT
from services.support.domain.delivery_report import DeliveryFailure
from services.support.messaging import bounce_listener
from services.support.messaging.bounce_listener import (
    MAX_CONNECTION_BYTES,
    MAX_CONNECTIONS,
    MAX_MESSAGE_BYTES,
    MAX_RECIPIENTS,
    BounceListener,
    RecordBounce,
)
from services.support.settings import SupportSettings
from services.support.usecases.record_bounce import record_bounce
from tests.component.support.forms import Harness
from tests.component.support.message_sources import BOUNCES, Customer, FakeOwners, mails, send_due
from tests.component.support.test_bounces import suppressions
from tests.support.polling import until

ANYWHERE = SocketAddress("127.0.0.1", 0)
MAIL = uuid.UUID(int=7)
ADDRESS = BOUNCES.address(MAIL)


class Recorded:
    """The failures that a listener reports. ``errors`` are raised instead, one a call."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.failures: list[tuple[uuid.UUID, str]] = []

    async def __call__(self, mail_id: uuid.UUID, failure: DeliveryFailure) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.failures.append((mail_id, failure.status))


@contextlib.asynccontextmanager
async def listening(record: RecordBounce) -> AsyncIterator[SocketAddress]:
    async with BounceListener(ANYWHERE, BOUNCES, record).listening() as bound:
        yield bound


def a_peer(server: SocketAddress) -> aiosmtplib.SMTP:
    """Return the client of a mail server."""
    return aiosmtplib.SMTP(hostname=server.host, port=server.port)


async def deliver(server: SocketAddress, content: bytes, *recipients: str) -> str:
    """Deliver a mail as a mail server does, with an empty reverse-path; return the reply."""
    async with a_peer(server) as peer:
        _, reply = await peer.sendmail("", list(recipients) or [ADDRESS], content)
    return reply


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("kierto_bounces_total", {"outcome": outcome}) or 0


A_REPORT = report(ADDRESS, "aino@example.fi").as_bytes()


async def test_a_report_is_recorded_whoever_writes_its_address_in_capitals() -> None:
    recorded = Recorded()
    before = counted("failed")
    async with listening(recorded) as server:
        assert (await deliver(server, A_REPORT, ADDRESS.upper())).startswith("2.0.0")
    assert recorded.failures == [(MAIL, "5.1.1")]
    assert counted("failed") == before + 1


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"Subject: Olen lomalla\r\n\r\nHei\r\n", "unreadable"),
        (b"\0\xff\r\n", "unreadable"),
        (A_REPORT.replace(b"Action: failed", b"Action: delayed"), "ignored"),
    ],
)
async def test_what_reports_no_failure_is_taken_and_counted(content: bytes, outcome: str) -> None:
    recorded = Recorded()
    before = counted(outcome)
    async with listening(recorded) as server:
        assert (await deliver(server, content)).startswith("2.0.0")
    assert recorded.failures == []
    assert counted(outcome) == before + 1


@pytest.mark.parametrize("recipient", ["aino@example.fi", "bounces@kierto.example", f"0{ADDRESS}"])
async def test_no_other_address_is_accepted(recipient: str) -> None:
    async with listening(Recorded()) as server, a_peer(server) as peer:
        await peer.ehlo()
        await peer.mail("")
        with pytest.raises(aiosmtplib.SMTPRecipientRefused) as refused:
            await peer.rcpt(recipient)
        with pytest.raises(aiosmtplib.SMTPDataError):
            await peer.data(A_REPORT)
    assert refused.value.code == 550


async def test_the_recipients_are_few() -> None:
    recorded = Recorded()
    many = [BOUNCES.address(uuid.UUID(int=number)) for number in range(MAX_RECIPIENTS + 1)]
    async with listening(recorded) as server, a_peer(server) as peer:
        refused, _ = await peer.sendmail("", many, A_REPORT)
    assert {address: code for address, (code, _) in refused.items()} == {many[-1]: 452}
    assert [mail_id.int for mail_id, _ in recorded.failures] == list(range(MAX_RECIPIENTS))


async def test_the_size_of_a_mail_is_advertised_and_kept() -> None:
    recorded = Recorded()
    body = b"\r\n" + b"a" * 78
    too_large = A_REPORT + body * (MAX_MESSAGE_BYTES // len(body))
    async with listening(recorded) as server:
        async with a_peer(server) as peer:
            await peer.ehlo()
            assert peer.esmtp_extensions["size"] == str(MAX_MESSAGE_BYTES)
            with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
                await peer.mail("", options=[f"SIZE={len(too_large)}"])
            assert refused.value.code == 552
            await peer.mail("")
            await peer.rcpt(ADDRESS)
            with pytest.raises(aiosmtplib.SMTPDataError) as error:
                await peer.data(too_large)
            assert error.value.code == 552
        await deliver(server, A_REPORT + body * 1000)
    assert len(recorded.failures) == 1


async def test_what_could_not_be_recorded_is_to_be_repeated() -> None:
    recorded = Recorded(ConnectionRefusedError())
    async with listening(recorded) as server:
        with pytest.raises(aiosmtplib.SMTPDataError) as error:
            await deliver(server, A_REPORT)
        assert error.value.code == 451
        assert "ConnectionRefused" not in error.value.message
        await deliver(server, A_REPORT)
    assert recorded.failures == [(MAIL, "5.1.1")]


async def test_the_connections_are_few() -> None:
    async with listening(Recorded()) as server, contextlib.AsyncExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            await stack.enter_async_context(a_peer(server))
        reader, writer = await asyncio.open_connection(server.host, server.port)
        assert (await reader.read()).startswith(b"421 4.3.2")
        writer.close()
        await stack.aclose()

        async def is_accepted() -> bool:
            try:
                await deliver(server, A_REPORT)
            except aiosmtplib.SMTPException:
                return False
            return True

        await until(is_accepted)


async def test_a_line_without_an_end_closes_the_connection() -> None:
    async with listening(Recorded()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(f"EHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\n".encode())
        with pytest.raises(ConnectionError):
            for _ in range(100 * MAX_CONNECTION_BYTES // 65_536):
                writer.write(b"a" * 65_536)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await reader.read()


async def test_a_silent_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounce_listener, "_TIMEOUT_S", 0.05)
    async with listening(Recorded()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        assert (await reader.read()).startswith(b"220 ")
        writer.close()


async def test_a_stop_closes_what_is_open() -> None:
    stop = asyncio.Event()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = SocketAddress(*probe.getsockname())
    running = asyncio.ensure_future(BounceListener(listen, BOUNCES, Recorded()).run(stop))

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_connection(listen.host, listen.port)
        except ConnectionError:
            return None

    opened = await until(connected)
    assert opened is not None
    reader, writer = opened
    assert (await reader.readline()).startswith(b"220 ")
    stop.set()
    await asyncio.wait_for(running, 20)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()


async def test_two_listeners_share_a_port() -> None:
    recorded = Recorded()
    async with (
        BounceListener(ANYWHERE, BOUNCES, recorded).listening() as bound,
        BounceListener(bound, BOUNCES, recorded).listening(),
    ):
        for _ in range(10):
            await deliver(bound, A_REPORT)
    assert len(recorded.failures) == 10


def test_it_runs_in_the_loop_of_a_process() -> None:
    recorded = Recorded()

    async def main() -> None:
        async with listening(recorded) as server:
            await deliver(server, A_REPORT)
            reader, writer = await asyncio.open_connection(server.host, server.port)
            await reader.readline()
        writer.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert recorded.failures == [(MAIL, "5.1.1")]


async def test_a_report_reaches_the_database(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await customer.placed()
    await send_due(harness, owners)
    (mail,) = await mails(harness)

    async def record(mail_id: uuid.UUID, failure: DeliveryFailure) -> None:
        await record_bounce(harness.work, Language.FI, mail_id, failure)

    async with listening(record) as server:
        for _ in range(2):
            await deliver(server, A_REPORT, mail["envelope_sender"])
    (suppression,) = await suppressions(harness)
    assert suppression.site_id == customer.site


def test_the_library_logs_no_addresses() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        configure("test", "DEBUG")
        assert not logging.getLogger("mail.log").isEnabledFor(logging.ERROR)
    finally:
        root.handlers, root.level = handlers, level


def settings(**fields: object) -> SupportSettings:
    return SupportSettings(
        listen=ANYWHERE,
        database_url="",
        kafka="",
        identity_url="",
        sites_url="",
        orders_url="",
        stats_url="",
        bounce_address="bounces@kierto.example",
        **fields,  # type: ignore[arg-type]
    )


async def test_the_worker_listens_where_the_settings_say(harness: Harness) -> None:
    runtime: object = harness
    assert SUPPORT.listeners(runtime) == []  # type: ignore[arg-type]
    harness.settings = settings()
    assert SUPPORT.listeners(runtime) == []  # type: ignore[arg-type]
    harness.settings = settings(bounce_listen=ANYWHERE)
    with pytest.raises(InvalidSettings, match="KIERTO_SUPPORT_FILES_KEY"):
        SUPPORT.listeners(runtime)  # type: ignore[arg-type]
    harness.settings = settings(bounce_listen=ANYWHERE, files_key="a2llcnRv")
    (listener,) = SUPPORT.listeners(runtime)  # type: ignore[arg-type]
    stop = asyncio.Event()
    stop.set()
    await listener(stop)
