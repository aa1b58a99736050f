"""S1, S5: one receipt arrives in the user's language, also after a killed process or without identity."""

import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import structlog

from services.chassis.db.postgres import Pool, Row
from services.chassis.ids import read_id
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.settings import Letterhead, SocketAddress
from services.contracts.identity.people import Contact, Language
from services.contracts.support.tickets import Ticket
from services.hosting import processes
from services.support.app import SUPPORT
from services.support.domain.receipt import retry_delay_s
from services.support.messaging.jobs import receipt_job
from services.support.settings import SupportSettings
from services.support.usecases.send_receipt import SendReceipt, send_receipt
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness

LETTERHEAD = Letterhead(name="Lännen Kierto Oy")


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


async def receipts(harness: Harness) -> int:
    """Return the number of receipts that are due."""
    count: int = await harness.pool.fetchval("SELECT count(*) FROM receipts")
    return count


async def run(harness: Harness, ticket: Ticket, recipients: FakeRecipients) -> None:
    """Send a ticket's receipt as its job does."""
    await send_receipt(harness.work, recipients, LETTERHEAD, read_id("ticket", ticket.id))


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
    await run(harness, ticket, recipients)
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["subject"], mail["language"]) == ("mirja@example.fi", subject, language.value)
    assert f": {ticket.number}\n" in mail["text"]
    assert "> <b>Heti!</b>" in mail["text"]
    assert "&lt;b&gt;Heti!&lt;/b&gt;" in mail["html"]
    assert recipients.requested == [user_id]
    assert await receipts(harness) == 0


async def test_a_ticket_enqueues_the_job_of_its_receipt(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    (payload,) = await harness.pool.fetchrow("SELECT payload FROM chassis.pgqueuer")  # type: ignore[misc]
    assert msgspec.json.decode(payload, type=SendReceipt).ticket_id == read_id("ticket", ticket.id)


async def test_a_completed_receipt_asks_nobody(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    await run(harness, ticket, FakeRecipients())
    recipients = FakeRecipients()
    await run(harness, ticket, recipients)
    assert (recipients.requested, len(await mails(harness))) == ([], 1)


async def test_identity_is_called_outside_any_transaction(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    recipients = FakeRecipients()

    async def no_transaction_is_open() -> None:
        assert not await harness.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )

    recipients.meanwhile = no_transaction_is_open
    await run(harness, ticket, recipients)
    assert len(await mails(harness)) == 1


async def test_a_process_killed_while_identity_is_called_leaves_the_receipt_due(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    with pytest.raises(ProcessKilled):
        await run(harness, ticket, FakeRecipients(Language.FI, ProcessKilled()))
    assert await mails(harness) == []
    await run(harness, ticket, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_a_process_killed_before_the_commit_leaves_the_receipt_due(
    make_harness: MakeSupport, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    with monkeypatch.context() as patch:

        async def die(_: object) -> bool:
            raise ProcessKilled

        recipients = FakeRecipients()

        async def from_now_on() -> None:
            patch.setattr("services.support.store.transaction.SupportTransaction.flush", die)

        recipients.meanwhile = from_now_on
        with pytest.raises(ProcessKilled):
            await run(harness, ticket, recipients)
    assert await mails(harness) == []
    await run(harness, ticket, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_two_runs_at_the_same_time_write_one_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    slow = FakeRecipients()

    async def another_is_faster() -> None:
        await run(harness, ticket, FakeRecipients())

    slow.meanwhile = another_is_faster
    await run(harness, ticket, slow)
    assert len(await mails(harness)) == 1


async def test_a_completed_receipt_that_is_restored_writes_no_second_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, user_id = await a_ticket(harness)
    await run(harness, ticket, FakeRecipients())
    restored = read_id("ticket", ticket.id), read_id("user", user_id)
    await harness.pool.execute("INSERT INTO receipts (ticket_id, user_id) VALUES ($1, $2)", *restored)
    await run(harness, ticket, FakeRecipients())
    assert len(await mails(harness)) == 1


async def test_a_deleted_user_gets_no_mail(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    ticket, _ = await a_ticket(harness)
    await run(harness, ticket, FakeRecipients(deleted=True))
    assert (await mails(harness), await receipts(harness)) == ([], 0)


async def test_receipts_run_side_by_side_and_go_on_after_trouble(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    secret = "user's own words"
    recipients = FakeRecipients(Language.FI, RuntimeError(secret), NotReadyYet("away"))
    with structlog.testing.capture_logs() as logs:
        async with running_jobs(harness.pool, receipt_job(harness.work, recipients, LETTERHEAD), runners=2):
            for _ in range(5):
                await a_ticket(harness)
            await until(lambda: mails(harness), lambda sent: len(sent) == 5)
    assert len(recipients.requested) == 7, "two were repeated"
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["job failed"]
    assert secret not in str(logs)
    assert secret not in str(await harness.pool.fetch("SELECT traceback FROM chassis.pgqueuer_log"))


async def test_receipts_wait_while_identity_does_not_answer(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    database_url = await make_database(SUPPORT)
    harness = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await a_ticket(harness)
    settings = SupportSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url=database_url,
        kafka="127.0.0.1:1",
        identity_url="http://127.0.0.1:1",
        sites_url="http://127.0.0.1:1",
        orders_url="http://127.0.0.1:1",
        files_url=tmp_path.as_uri(),
        files_key=base64.b64encode(bytes(32)).decode(),
    )
    attempts = "SELECT attempts FROM chassis.pgqueuer WHERE status = 'queued' AND entrypoint = 'send-receipt'"
    async with (
        processes.open_runtime(SUPPORT, settings, "jobs") as runtime,
        running_jobs(harness.pool, *processes.job_handlers(SUPPORT, runtime)),
    ):
        await until(lambda: harness.pool.fetchval(attempts), lambda count: (count or 0) >= 2)
    assert await mails(harness) == []


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (1000, 600)])
def test_the_delay_between_attempts_grows(attempts: int, delay_s: int) -> None:
    assert retry_delay_s(attempts) == delay_s
