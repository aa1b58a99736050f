"""S1, S5: the receipt arrives in the user's language, once, whatever dies or is away meanwhile."""

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
    """The process is gone."""


class FakeRecipients:
    """Stands where identity is asked. ``trouble`` is raised instead of an answer, one a call."""

    def __init__(self, language: Language = Language.FI, *trouble: BaseException, gone: bool = False) -> None:
        self.language = language
        self.trouble = list(trouble)
        self.gone = gone
        self.asked: list[str] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def contact_of(self, user_id: str) -> Contact | None:
        self.asked.append(user_id)
        if self.trouble:
            raise self.trouble.pop(0)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.gone:
            return None
        return Contact(user_id=user_id, username="mirja", email="mirja@example.fi", language=self.language)


async def a_ticket(bench: Harness, message: str = "Astiaa ei tyhjennetty.") -> tuple[Ticket, str]:
    """A ticket and the id of who wrote it."""
    org = an_id("org")
    site = await known_site(bench, org)
    caller = await member_of(bench, org)
    return await send(bench, caller, form(site, message)), caller.subject_id


async def mails(bench: Harness) -> list[Row]:
    return await bench.pool.fetch("SELECT * FROM chassis.mail")


async def receipts(bench: Harness) -> list[Row]:
    return await bench.pool.fetch("SELECT *, extract(epoch FROM next_try - clock_timestamp()) AS wait FROM receipts")


async def advance_until_due(bench: Harness) -> None:
    await bench.pool.execute("UPDATE receipts SET next_try = clock_timestamp()")


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
    bench = await make_harness(SUPPORT)
    ticket, user_id = await a_ticket(bench, "<b>Heti!</b>")
    recipients = FakeRecipients(language)
    assert await send_receipt(bench.work, recipients)
    (mail,) = await mails(bench)
    assert (mail["recipient"], mail["subject"], mail["language"]) == ("mirja@example.fi", subject, language.value)
    assert f": {ticket.number}\n" in mail["text"]
    assert "> <b>Heti!</b>" in mail["text"]
    assert "&lt;b&gt;Heti!&lt;/b&gt;" in mail["html"]
    assert recipients.asked == [user_id]
    assert await receipts(bench) == []


async def test_there_is_nothing_to_do_without_a_ticket(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    recipients = FakeRecipients()
    assert not await send_receipt(bench.work, recipients)
    assert recipients.asked == []


async def test_identity_is_asked_outside_any_transaction(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    recipients = FakeRecipients()

    async def no_transaction_is_open() -> None:
        assert not await bench.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )

    recipients.meanwhile = no_transaction_is_open
    assert await send_receipt(bench.work, recipients)
    assert len(await mails(bench)) == 1


async def test_a_death_while_identity_is_asked_costs_time_and_no_mail(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    with pytest.raises(ProcessKilled):
        await send_receipt(bench.work, FakeRecipients(Language.FI, ProcessKilled()))
    assert await mails(bench) == []
    assert not await send_receipt(bench.work, FakeRecipients()), "it is held for a while"
    (row,) = await receipts(bench)
    assert 10 < row["wait"] <= 15
    await advance_until_due(bench)
    assert await send_receipt(bench.work, FakeRecipients())
    assert len(await mails(bench)) == 1


async def test_a_death_before_the_commit_leaves_neither_mail_nor_end(
    make_harness: MakeSupport, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    with monkeypatch.context() as patch:

        async def die(_: object) -> bool:
            raise ProcessKilled

        recipients = FakeRecipients()

        async def from_now_on() -> None:
            patch.setattr("services.support.store.transaction.SupportTransaction.flush", die)

        recipients.meanwhile = from_now_on
        with pytest.raises(ProcessKilled):
            await send_receipt(bench.work, recipients)
    assert await mails(bench) == []
    await advance_until_due(bench)
    assert await send_receipt(bench.work, FakeRecipients())
    assert len(await mails(bench)) == 1


async def test_who_was_too_slow_writes_no_second_mail(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    slow = FakeRecipients()

    async def another_is_faster() -> None:
        await advance_until_due(bench)
        assert await send_receipt(bench.work, FakeRecipients())

    slow.meanwhile = another_is_faster
    assert await send_receipt(bench.work, slow)
    assert len(await mails(bench)) == 1


async def test_a_receipt_that_is_due_again_after_all_is_the_same_mail(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    ticket, user_id = await a_ticket(bench)
    assert await send_receipt(bench.work, FakeRecipients())
    restored = read_id("ticket", ticket.id), read_id("user", user_id)
    await bench.pool.execute("INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)", *restored)
    assert await send_receipt(bench.work, FakeRecipients())
    assert len(await mails(bench)) == 1


async def test_while_identity_is_away_it_is_tried_again_less_and_less_often(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    for wait in (1, 2, 4):
        assert await send_receipt(bench.work, FakeRecipients(Language.FI, NotReadyYet("away")))
        (row,) = await receipts(bench)
        assert wait - 1 < row["wait"] <= wait
        await advance_until_due(bench)
    assert await send_receipt(bench.work, FakeRecipients())
    assert len(await mails(bench)) == 1


async def test_a_user_who_is_gone_gets_no_mail(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    await a_ticket(bench)
    assert await send_receipt(bench.work, FakeRecipients(gone=True))
    assert (await mails(bench), await receipts(bench)) == ([], [])


async def test_receipts_run_side_by_side_at_once_and_go_on_after_trouble(make_harness: MakeSupport) -> None:
    bench = await make_harness(SUPPORT)
    secret = "user's own words"
    stop = asyncio.Event()
    recipients = FakeRecipients(Language.FI, RuntimeError(secret))
    running = [asyncio.ensure_future(ReceiptSender(bench.work, recipients).run(stop)) for _ in range(2)]
    with structlog.testing.capture_logs() as logs:
        await a_ticket(bench)
        while not recipients.asked:
            await asyncio.sleep(0.01)
        assert not any(task.done() for task in running)
        began = time.monotonic()
        tickets = [await a_ticket(bench) for _ in range(5)]
        while len(await mails(bench)) < len(tickets):
            await asyncio.sleep(0.01)
        took = time.monotonic() - began
        stop.set()
        await asyncio.gather(*running)
    assert took < 10, "the one in trouble, held for longer than that, keeps no other back"
    assert len(recipients.asked) == len(tickets) + 1
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["receipt not sent"]
    assert secret not in str(logs)
    (left,) = await receipts(bench)
    assert left["attempts"] == 1


async def test_the_worker_sends_receipts_and_waits_while_identity_is_away(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock
) -> None:
    database_url = await make_database(SUPPORT)
    bench = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await a_ticket(bench)
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
        while not any(row["attempts"] and row["wait"] <= 1 for row in await receipts(bench)):
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert await mails(bench) == []
