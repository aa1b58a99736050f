"""S1, S5: one receipt arrives in the user's language, also after a killed process or without identity."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
import structlog

from services.chassis.db.postgres import Pool, Row
from services.chassis.ids import read_id
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.settings import ServiceSettings, SocketAddress
from services.contracts.identity import Contact, Language
from services.contracts.support import Ticket
from services.hosting import processes
from services.support.app import SUPPORT
from services.support.messaging.receipt_sender import ReceiptSender
from services.support.usecases.send_receipt import send_receipt
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.service_harness import ServiceHarness


class ProcessKilled(BaseException):
    """The process is killed."""


class FakeRecipients:
    """Recipients without identity. ``errors`` are raised instead of an answer, one a call."""

    def __init__(self, language: Language = Language.FI, *errors: BaseException, deleted: bool = False) -> None:
        self.language = language
        self.errors = list(errors)
        self.deleted = deleted
        self.requested: list[str] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def contact_of(self, user_id: str) -> Contact | None:
        self.requested.append(user_id)
        if self.errors:
            raise self.errors.pop(0)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.deleted:
            return None
        return Contact(user_id=user_id, username="mirja", email="mirja@example.fi", language=self.language)


async def a_ticket(harness: Harness, message: str = "Astiaa ei tyhjennetty.") -> tuple[Ticket, str]:
    """Open a ticket, and return it with its user's id."""
    org = an_id("org")
    site = await known_site(harness, org)
    caller = await member_of(harness, org)
    return await send(harness, caller, form(site, message)), caller.subject_id


async def mails(harness: Harness) -> list[Row]:
    return await harness.pool.fetch("SELECT * FROM chassis.mail")


async def receipts(harness: Harness) -> list[Row]:
    return await harness.pool.fetch("SELECT *, extract(epoch FROM next_try - clock_timestamp()) AS wait FROM receipts")


async def advance_until_due(harness: Harness) -> None:
    await harness.pool.execute("UPDATE receipts SET next_try = clock_timestamp()")


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        (Language.FI, "Palaute vastaanotettu"),
        (Language.SV, "Vi har tagit emot ditt meddelande"),
        (Language.NB, "Vi har mottatt henvendelsen din"),
        (Language.EN, "We have received your message"),
    ],
)
async def test_a_receipt_is_written_in_the_users_language(
    make_harness: MakeSupport, language: Language, subject: str
) -> None:
    harness = await make_harness(SUPPORT)
    ticket, user_id = await a_ticket(harness, "<b>Heti!</b>")
    recipients = FakeRecipients(language)
    assert await send_receipt(harness.work, recipients)
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["subject"], mail["language"]) == ("mirja@example.fi", subject, language.value)
    assert f": {ticket.number}\n" in mail["text"]
    assert "> <b>Heti!</b>" in mail["text"]
    assert "&lt;b&gt;Heti!&lt;/b&gt;" in mail["html"]
    assert recipients.requested == [user_id]
    assert await receipts(harness) == []


async def test_without_a_ticket_no_receipt_is_due(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    recipients = FakeRecipients()
    assert not await send_receipt(harness.work, recipients)
    assert recipients.requested == []


async def test_identity_is_called_outside_any_transaction(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    recipients = FakeRecipients()

    async def no_transaction_is_open() -> None:
        assert not await harness.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )

    recipients.meanwhile = no_transaction_is_open
    assert await send_receipt(harness.work, recipients)
    assert len(await mails(harness)) == 1


async def test_a_process_killed_while_identity_is_called_delays_the_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    with pytest.raises(ProcessKilled):
        await send_receipt(harness.work, FakeRecipients(Language.FI, ProcessKilled()))
    assert await mails(harness) == []
    assert not await send_receipt(harness.work, FakeRecipients()), "it is claimed for some seconds"
    (row,) = await receipts(harness)
    assert 10 < row["wait"] <= 15
    await advance_until_due(harness)
    assert await send_receipt(harness.work, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_a_process_killed_before_the_commit_leaves_the_receipt_due(
    make_harness: MakeSupport, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    with monkeypatch.context() as patch:

        async def die(_: object) -> bool:
            raise ProcessKilled

        recipients = FakeRecipients()

        async def from_now_on() -> None:
            patch.setattr("services.support.store.transaction.SupportTransaction.flush", die)

        recipients.meanwhile = from_now_on
        with pytest.raises(ProcessKilled):
            await send_receipt(harness.work, recipients)
    assert await mails(harness) == []
    await advance_until_due(harness)
    assert await send_receipt(harness.work, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_a_process_that_exceeds_its_claim_writes_no_second_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    slow = FakeRecipients()

    async def another_is_faster() -> None:
        await advance_until_due(harness)
        assert await send_receipt(harness.work, FakeRecipients())

    slow.meanwhile = another_is_faster
    assert await send_receipt(harness.work, slow)
    assert len(await mails(harness)) == 1


async def test_a_completed_receipt_that_is_restored_writes_no_second_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, user_id = await a_ticket(harness)
    assert await send_receipt(harness.work, FakeRecipients())
    restored = read_id("ticket", ticket.id), read_id("user", user_id)
    await harness.pool.execute("INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)", *restored)
    assert await send_receipt(harness.work, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_the_delay_between_attempts_grows_while_identity_does_not_answer(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    for wait in (1, 2, 4):
        assert await send_receipt(harness.work, FakeRecipients(Language.FI, NotReadyYet("away")))
        (row,) = await receipts(harness)
        assert wait - 1 < row["wait"] <= wait
        await advance_until_due(harness)
    assert await send_receipt(harness.work, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_a_deleted_user_gets_no_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    await a_ticket(harness)
    assert await send_receipt(harness.work, FakeRecipients(deleted=True))
    assert (await mails(harness), await receipts(harness)) == ([], [])


async def test_receipts_run_side_by_side_at_once_and_go_on_after_trouble(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    secret = "user's own words"
    stop = asyncio.Event()
    recipients = FakeRecipients(Language.FI, RuntimeError(secret))
    running = [asyncio.ensure_future(ReceiptSender(harness.work, recipients).run(stop)) for _ in range(2)]
    with structlog.testing.capture_logs() as logs:
        await a_ticket(harness)
        while not recipients.requested:
            await asyncio.sleep(0.01)
        assert not any(task.done() for task in running)
        began = time.monotonic()
        tickets = [await a_ticket(harness) for _ in range(5)]
        while len(await mails(harness)) < len(tickets):
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
        stop.set()
        await asyncio.gather(*running)
    assert took < 10, "a failed receipt, claimed for longer than that, does not delay the others"
    assert len(recipients.requested) == len(tickets) + 1
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["receipt not sent"]
    assert secret not in str(logs)
    (left,) = await receipts(harness)
    assert left["attempts"] == 1


async def test_the_worker_postpones_receipts_while_identity_does_not_answer(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock
) -> None:
    database_url = await make_database(SUPPORT)
    harness = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await a_ticket(harness)
    settings = ServiceSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url=database_url,
        kafka="127.0.0.1:1",
        identity_url="http://127.0.0.1:1",
    )
    stop = asyncio.Event()
    async with processes.open_runtime(SUPPORT, settings, "worker") as base:
        (loop,) = SUPPORT.loops(base)
        running = asyncio.ensure_future(loop(stop))
        while not any(row["attempts"] and row["wait"] <= 1 for row in await receipts(harness)):
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert await mails(harness) == []
