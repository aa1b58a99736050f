"""S4, S5, S8: a cause is told once, to those who reach the thing at the time of sending."""

import asyncio
import base64
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import structlog

from services.access import copy
from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id
from services.chassis.jobs.schedule import JobSchedule
from services.chassis.problems import NotReadyYet
from services.chassis.runtime.settings import SocketAddress
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.messages import MessageKind
from services.contracts.support.thread import AnswerTicket, TicketEntryAdded
from services.contracts.support.tickets import Channel, Ticket, TicketState
from services.contracts.ticket_requests import Topic
from services.contracts.values import Page, Refusal
from services.hosting import processes
from services.support.app import SUPPORT
from services.support.messaging.jobs import messages_job
from services.support.settings import SupportSettings
from services.support.store.retention import delete_expired
from services.support.usecases.record_cause import SendMessages
from services.support.usecases.report_failed_message import fail_cause, fail_message
from services.support.usecases.send_messages import send_messages
from tests.component.support.forms import Harness, an_id, form, known_site, member_of, send
from tests.component.support.message_sources import (
    DAY,
    USUAL_DAY,
    Customer,
    FakeOwners,
    address_of,
    addresses,
    causes,
    mails,
    send_due,
    set_last_restore,
    states,
)
from tests.component.support.test_public_form import GATEWAY, public_form
from tests.component.support.test_staff_contacts import a_call, logged
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.job_runner import running_jobs
from tests.support.polling import until
from tests.support.service_harness import ServiceHarness


class ProcessKilled(BaseException):
    """The process is killed."""


async def answered(
    harness: Harness, ticket: Ticket, channel: Channel = Channel.PORTAL, text: str = "Tyhjennämme huomenna."
) -> TicketEntryAdded:
    """Answer a ticket as one of the staff."""
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    (now,) = await staff.tickets_by_id([ticket.id])
    assert now is not None
    command = AnswerTicket(idempotency_key=text, ticket_id=ticket.id, version=now.version, text=text, channel=channel)
    added = await staff.answer_ticket(command)
    assert isinstance(added, TicketEntryAdded)
    return added


async def state_access(harness: Harness, user_id: str, *grants: Grant, active: bool = True, version: int = 2) -> None:
    """Have identity state another access of a user."""
    access = AccessStated(
        subject_id=user_id, kind=SubjectKind.USER, version=version, active=active, scopes=[], grants=list(grants)
    )
    async with harness.pool.acquire() as connection:
        await copy.upsert_access(connection, access)


# The recipients.


async def test_a_receipt_goes_to_the_sender_in_their_language(harness: Harness, customer: Customer) -> None:
    caller = await member_of(harness, customer.org)
    await member_of(harness, customer.org)
    ticket = await send(harness, caller, form(customer.site, "<b>Heti!</b>"))
    await send_due(harness, FakeOwners(language=Language.EN))
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["language"]) == (address_of(caller.subject_id), "en")
    assert mail["subject"] == "We have received your message"
    assert f": {ticket.number}\n" in mail["text"]
    assert "> <b>Heti!</b>" in mail["text"]
    assert "&lt;b&gt;Heti!&lt;/b&gt;" in mail["html"]
    assert await states(harness) == [("RECEIPT", "TOLD")]
    assert await causes(harness) == [ticket.id]


async def test_the_receipt_of_a_public_form_quotes_nothing(harness: Harness, owners: FakeOwners) -> None:
    await harness.api(GATEWAY).send_public_form(public_form(message="Osta halpaa!"))
    await harness.api(GATEWAY).send_public_form(public_form(key="2", email=None, phone="+358401234567"))
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["language"]) == ("aino@example.fi", "sv")
    assert "Osta" not in mail["text"] + mail["html"]
    assert owners.requested == []


async def test_an_answer_goes_to_those_who_wrote(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    caller = await member_of(harness, customer.org)
    await member_of(harness, customer.org)
    ticket = await send(harness, caller, form(customer.site))
    await send_due(harness, owners)
    await answered(harness, ticket)
    await answered(harness, ticket, Channel.PHONE, "Kerrottu puhelimessa.")
    await send_due(harness, owners)
    receipt, answer = sorted(await mails(harness), key=lambda mail: "Tyhjennämme" in mail["text"])
    assert receipt["recipient"] == answer["recipient"] == address_of(caller.subject_id)
    assert "> Tyhjennämme huomenna." in answer["text"]
    assert await states(harness) == [("RECEIPT", "TOLD"), ("TICKET_ANSWER", "TOLD")]


async def test_an_answer_to_a_caller_without_a_user_goes_to_the_address_they_gave(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    staff = await harness.caller(kind=SubjectKind.STAFF)
    ticket = await logged(harness, staff, a_call(customer.site, email="aino@example.fi"))
    await answered(harness, ticket)
    await send_due(harness, owners)
    assert await addresses(harness) == ["aino@example.fi"]


async def test_an_answer_to_a_caller_without_address_goes_to_members_else_the_sites_contact(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    staff = await harness.caller(kind=SubjectKind.STAFF)
    ticket = await logged(harness, staff, a_call(customer.site))
    await answered(harness, ticket)
    await send_due(harness, owners)
    assert await addresses(harness) == ["isannointi@example.fi"]
    member = await member_of(harness, customer.org)
    await answered(harness, ticket, text="Toinen vastaus.")
    await send_due(harness, owners)
    assert await addresses(harness) == ["isannointi@example.fi", address_of(member.subject_id)]


async def test_an_answer_to_an_unknown_sender_without_address_is_sent_to_nobody(
    harness: Harness, owners: FakeOwners
) -> None:
    await harness.api(GATEWAY).send_public_form(public_form(email=None, phone="+358401234567"))
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    (edge,) = (await staff.tickets(Page())).edges
    await answered(harness, edge.node)
    await send_due(harness, owners)
    assert await mails(harness) == []


async def test_a_thing_of_a_site_is_told_to_all_customers_who_reach_it(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    everywhere = await member_of(harness, customer.org)
    here = await member_of(harness, customer.org, [customer.site])
    await member_of(harness, customer.org, [an_id("site")])
    await member_of(harness, an_id("org"))
    await harness.caller(kind=SubjectKind.STAFF)
    await harness.caller(Grant(organisation_id=customer.org), kind=SubjectKind.PARTNER)
    over = Grant(organisation_id=customer.org, role=Role.VIEWER, until=dt.date(2026, 3, 3))
    await harness.caller(over)
    gone = await member_of(harness, customer.org)
    await state_access(harness, gone.subject_id, Grant(organisation_id=customer.org), active=False)
    await customer.placed()
    await send_due(harness, owners)
    assert await addresses(harness) == sorted(address_of(one.subject_id) for one in (everywhere, here))


async def test_an_organisation_without_users_is_told_by_the_sites_contact(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert (mail["recipient"], mail["language"]) == ("isannointi@example.fi", "sv")
    assert "Satamatie 12, 20100 Turku" in mail["text"]


async def test_a_site_without_a_contact_is_told_to_nobody(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    owners.site_email = None
    await customer.placed()
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "TOLD")])


async def test_nobody_is_told_after_their_permission_ended(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    before, meanwhile = await member_of(harness, customer.org), await member_of(harness, customer.org)
    staying = await member_of(harness, customer.org)
    await customer.placed()
    await state_access(harness, before.subject_id)

    async def end() -> None:
        await state_access(harness, meanwhile.subject_id)

    owners.meanwhile = end
    await send_due(harness, owners)
    assert await addresses(harness) == [address_of(staying.subject_id)]
    assert meanwhile.subject_id in owners.requested


async def test_a_sender_whose_permission_ended_gets_no_answer(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    ticket = await send(harness, caller, form(customer.site))
    await answered(harness, ticket)
    await state_access(harness, caller.subject_id)
    await send_due(harness, owners)
    assert (await mails(harness), owners.requested) == ([], [customer.site, customer.site])


async def test_a_user_whose_address_is_not_verified_gets_no_mail(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    await send(harness, caller, form(customer.site))
    owners.unverified.add(caller.subject_id)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("RECEIPT", "TOLD")])


async def test_a_deleted_user_gets_no_mail(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    caller = await member_of(harness, customer.org)
    await send(harness, caller, form(customer.site))
    owners.deleted.add(caller.subject_id)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("RECEIPT", "TOLD")])


# The causes.


async def test_an_order_is_confirmed_by_whichever_event_says_so_first(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed(OrderState.RECEIVED)
    assert await states(harness) == []
    await customer.order_moved(OrderState.RECEIVED, OrderState.CONFIRMED)
    await send_due(harness, owners)
    await customer.order_moved(OrderState.CONFIRMED, OrderState.SCHEDULED)
    await customer.order_moved(OrderState.SCHEDULED, OrderState.COMPLETED)
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert mail["subject"] == "Din beställning är bekräftad"
    assert "ORD-2026-000123" in mail["text"]


async def test_an_order_that_was_cancelled_meanwhile_is_not_confirmed(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    customer.order_in(OrderState.CANCELLED)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "OBSOLETE")])


async def test_a_failed_pickup_is_told_with_its_reason(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.recorded(PickupState.ARRIVED)
    assert await states(harness) == []
    await customer.failed()
    await customer.failed()
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert "Portti oli lukossa" in mail["text"]


async def test_a_failure_that_a_later_report_corrected_is_not_told(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.failed()
    customer.plan(DAY, PickupState.EMPTIED)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("COULD_NOT_EMPTY", "OBSOLETE")])


async def test_an_answer_that_was_refused_is_no_cause(harness: Harness, customer: Customer) -> None:
    ticket = await send(harness, await member_of(harness, customer.org), form(customer.site))
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    for changed in ({"state": TicketState.NEW}, {"attachment_ids": [an_id("file")]}):
        answer = AnswerTicket(idempotency_key="1", ticket_id=ticket.id, version=1, text="Tyhjennämme huomenna.")
        assert isinstance(await staff.answer_ticket(msgspec.structs.replace(answer, **changed)), Refusal)
    assert [kind for kind, _ in await states(harness)] == ["RECEIPT"]


async def test_an_answer_of_a_ticket_that_is_gone_is_not_told(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    ticket = await send(harness, await member_of(harness, customer.org), form(customer.site))
    await answered(harness, ticket)
    await harness.pool.execute("DELETE FROM ticket_entries")
    await harness.pool.execute("DELETE FROM tickets")
    await send_due(harness, owners)
    assert sorted(await states(harness)) == [("RECEIPT", "OBSOLETE"), ("TICKET_ANSWER", "OBSOLETE")]


async def test_each_change_of_a_day_is_told_once(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await customer.moved(DAY)
    await customer.moved(DAY)
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1
    await customer.moved(USUAL_DAY)
    harness.clock.move(minutes=1)
    await send_due(harness, owners)
    await customer.moved(DAY)
    await send_due(harness, owners)
    assert [state for _, state in await states(harness)] == ["TOLD"] * 3
    assert len([mail for mail in await mails(harness) if "ändå på den ordinarie dagen" in mail["text"]]) == 1


async def test_a_day_that_changed_again_before_it_was_told_is_told_once(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.moved(DAY)
    harness.clock.move(seconds=1)
    await customer.moved(dt.date(2026, 12, 29))
    await send_due(harness, owners)
    assert [state for _, state in await states(harness)] == ["OBSOLETE", "TOLD"]
    assert len(await mails(harness)) == 1


# The times.


async def test_what_can_wait_is_sent_after_the_quiet_hours(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 18, 30, tzinfo=dt.UTC)  # 20:30 in Helsinki
    await customer.failed()
    await customer.placed()
    enqueued = await harness.pool.fetch("SELECT payload FROM chassis.pgqueuer")
    assert len(enqueued) == 1, "the order's confirmation alone"
    await send_due(harness, owners)
    assert sorted(await states(harness)) == [("COULD_NOT_EMPTY", "DUE"), ("ORDER_CONFIRMED", "TOLD")]
    harness.clock.instant = dt.datetime(2026, 3, 5, 5, tzinfo=dt.UTC)  # 7:00 in Helsinki
    await send_due(harness, owners)
    assert [state for _, state in await states(harness)] == ["TOLD", "TOLD"]


async def test_what_is_late_in_the_evening_is_put_off(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 17, 59, tzinfo=dt.UTC)
    await customer.failed()
    harness.clock.move(minutes=1)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("COULD_NOT_EMPTY", "DUE")])
    due_at = await harness.pool.fetchval("SELECT due_at FROM message_causes")
    assert due_at == dt.datetime(2026, 3, 5, 5, tzinfo=dt.UTC)


async def test_the_schedule_enqueues_what_is_due_once(harness: Harness, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 3, 4, 18, 30, tzinfo=dt.UTC)
    await customer.failed()
    await customer.placed()
    schedule = JobSchedule(harness.pool, harness.clock, [], SUPPORT.due_rows)
    await schedule.tick()
    queued = "SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = 'send-messages'"
    assert await harness.pool.fetchval(queued) == 1, "the confirmation is in the queue already, the other not due"
    harness.clock.move(hours=11)
    await schedule.tick()
    await schedule.tick()
    assert await harness.pool.fetchval(queued) == 2


async def test_nobody_is_told_of_a_cause_of_three_days_ago(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    harness.clock.move(days=3)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "EXPIRED")])


async def test_an_old_event_is_no_cause(harness: Harness, customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    received = harness._received

    def of_three_days_ago(event: object) -> object:
        return msgspec.structs.replace(received(event), time=harness.clock.now() - dt.timedelta(days=3))  # type: ignore[arg-type]

    monkeypatch.setattr(harness, "_received", of_three_days_ago)
    await customer.placed()
    assert await states(harness) == []


async def test_an_imported_report_of_a_past_pickup_is_no_cause(harness: Harness, customer: Customer) -> None:
    await customer.recorded(PickupState.FAILED, harness.clock.now() - dt.timedelta(days=3))
    assert await states(harness) == []
    await customer.recorded(PickupState.FAILED, harness.clock.now() - dt.timedelta(days=2))
    assert await states(harness) == [("COULD_NOT_EMPTY", "DUE")]


async def test_a_day_that_is_over_is_no_cause(harness: Harness, customer: Customer) -> None:
    harness.clock.instant = dt.datetime(2026, 12, 29, 12, tzinfo=dt.UTC)
    await customer.moved(DAY)
    assert await states(harness) == []
    await customer.moved(dt.date(2026, 12, 29))
    assert await states(harness) == [("DAY_CHANGED", "DUE")]


# Once, whatever happens.


async def test_the_owners_are_called_outside_any_transaction(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()

    async def no_transaction_is_open() -> None:
        assert not await harness.pool.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'"
        )

    owners.meanwhile = no_transaction_is_open
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1


async def test_two_runs_at_the_same_time_write_one_mail(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    faster = FakeOwners()
    faster.orders = owners.orders

    async def another_is_faster() -> None:
        await send_due(harness, faster)

    owners.meanwhile = another_is_faster
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1


async def test_a_cause_that_was_told_asks_nobody(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await customer.placed()
    await send_due(harness, owners)
    before = list(owners.requested)
    (row,) = await harness.pool.fetch("SELECT id FROM message_causes")
    await send_messages(harness.work, owners.sources, row["id"])
    await send_messages(harness.work, owners.sources, read_id("order", customer.order))
    assert owners.requested == before


async def test_a_cause_that_is_due_again_is_told_to_nobody_twice(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    first = await member_of(harness, customer.org)
    await customer.placed()
    await send_due(harness, owners)
    second = await member_of(harness, customer.org)
    await harness.pool.execute("UPDATE message_causes SET state = 'DUE', due_at = at")
    await harness.pool.execute("DELETE FROM chassis.mail")
    await send_due(harness, owners)
    assert await addresses(harness) == [address_of(second.subject_id)], first


@pytest.mark.parametrize("moment", ["while an owner is called", "before the commit"])
async def test_a_process_that_is_killed_leaves_the_cause_due(
    harness: Harness, customer: Customer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    await member_of(harness, customer.org)
    await send(harness, await member_of(harness, customer.org), form(customer.site))
    killed = FakeOwners(*([ProcessKilled()] if moment.startswith("while") else []))
    with monkeypatch.context() as patch:

        async def die(_: object) -> bool:
            raise ProcessKilled

        async def from_now_on() -> None:
            patch.setattr("services.support.store.transaction.SupportTransaction.flush", die)

        killed.meanwhile = from_now_on
        with pytest.raises(ProcessKilled):
            await send_due(harness, killed)
    assert (await mails(harness), await states(harness)) == ([], [("RECEIPT", "DUE")])
    await send_due(harness, FakeOwners())
    assert len(await mails(harness)) == 1


async def test_jobs_run_side_by_side_and_go_on_after_trouble(harness: Harness) -> None:
    secret = "user's own words"
    owners = FakeOwners(RuntimeError(secret), NotReadyYet("away"))
    with structlog.testing.capture_logs() as logs:
        async with running_jobs(harness.pool, messages_job(harness.work, owners.sources), runners=2):
            for _ in range(5):
                org = an_id("org")
                await send(harness, await member_of(harness, org), form(await known_site(harness, org)))
            await until(lambda: mails(harness), lambda sent: len(sent) == 5)
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["job failed"]
    assert secret not in str(logs)
    assert secret not in str(await harness.pool.fetch("SELECT traceback FROM chassis.pgqueuer_log"))


async def test_messages_wait_while_identity_does_not_answer(
    make_database: MakeDatabase, open_pool: Callable[[str], Awaitable[Pool]], clock: TestClock, tmp_path: Path
) -> None:
    clock.instant = dt.datetime.now(dt.UTC)  # the process has the machine's
    database_url = await make_database(SUPPORT)
    harness = ServiceHarness(SUPPORT, await open_pool(database_url), clock)
    await set_last_restore(harness.pool, None)
    org = an_id("org")
    await send(harness, await member_of(harness, org), form(await known_site(harness, org)))
    nowhere = "http://127.0.0.1:1"
    settings = SupportSettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url=database_url,
        kafka="127.0.0.1:1",
        files_key=base64.b64encode(bytes(32)).decode(),
        files_url=tmp_path.as_uri(),
        identity_url=nowhere,
        sites_url=nowhere,
        orders_url=nowhere,
        stats_url=nowhere,
    )
    attempts = "SELECT attempts FROM chassis.pgqueuer WHERE status = 'queued' AND entrypoint = 'send-messages'"
    async with (
        processes.open_runtime(SUPPORT, settings, "jobs") as runtime,
        running_jobs(harness.pool, *processes.job_handlers(SUPPORT, runtime)),
    ):
        await until(lambda: harness.pool.fetchval(attempts), lambda count: (count or 0) >= 2)
    assert await mails(harness) == []


# Messages that can't be sent.


async def staff_tickets(harness: Harness) -> list[Ticket]:
    """Return the tickets that Kierto opened, as the staff see them."""
    listed = await harness.api(await harness.caller(kind=SubjectKind.STAFF)).tickets(Page())
    return [edge.node for edge in listed.edges if edge.node.channel is Channel.SYSTEM]


async def test_a_day_without_the_owners_ends_in_a_ticket(harness: Harness, customer: Customer) -> None:
    await customer.placed()
    (cause,) = [row["id"] for row in await harness.pool.fetch("SELECT id FROM message_causes")]
    harness.clock.move(hours=23, minutes=59)
    assert not await fail_cause(harness.work, Language.EN, cause)
    harness.clock.move(minutes=1)
    assert await fail_cause(harness.work, Language.EN, cause)
    assert not await fail_cause(harness.work, Language.EN, cause)
    assert await states(harness) == [("ORDER_CONFIRMED", "FAILED")]
    (ticket,) = await staff_tickets(harness)
    assert (ticket.topic, ticket.organisation_id, ticket.by) == (Topic.OTHER, None, None)
    assert "The confirmation of an order" in ticket.message
    assert customer.order in ticket.message
    assert (await harness.api(await member_of(harness, customer.org)).tickets(Page())).edges == []


async def test_the_job_gives_up_after_a_day(harness: Harness, customer: Customer) -> None:
    await customer.placed()
    harness.clock.move(days=1)
    away = FakeOwners(*[NotReadyYet("away") for _ in range(3)])
    async with running_jobs(harness.pool, messages_job(harness.work, away.sources)):
        await until(lambda: staff_tickets(harness))
    assert await states(harness) == [("ORDER_CONFIRMED", "FAILED")]


async def test_the_failures_of_a_day_are_notes_of_one_ticket(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    for _ in range(3):
        await Customer(harness, owners, customer.org, customer.site).placed()
    harness.clock.move(days=1)
    ids = [row["id"] for row in await harness.pool.fetch("SELECT id FROM message_causes")]
    await asyncio.gather(*(fail_cause(harness.work, Language.EN, one) for one in ids))
    assert len(await staff_tickets(harness)) == 1
    kinds = await harness.pool.fetch("SELECT kind FROM ticket_entries ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["MESSAGE", "NOTE", "NOTE"]


async def test_a_mail_that_the_server_did_not_take_ends_in_a_ticket(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    await send_due(harness, owners)
    (mail,) = await mails(harness)
    assert mail["deadline"] == harness.clock.now() + dt.timedelta(days=1)
    for _ in range(2):
        await fail_message(harness.work, Language.EN, mail["id"])
    assert len(await staff_tickets(harness)) == 1
    assert await harness.pool.fetchval("SELECT count(*) FROM ticket_entries") == 1
    assert await harness.pool.fetchval("SELECT state FROM messages") == "FAILED"
    await fail_message(harness.work, Language.EN, read_id("order", customer.order))
    assert await harness.pool.fetchval("SELECT count(*) FROM ticket_entries") == 1, "a mail of another kind"


# The choices.


async def test_a_kind_that_someone_switched_off_is_not_sent_to_them(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    off, other = await member_of(harness, customer.org), await member_of(harness, customer.org)
    async with harness.work() as tx:
        await tx.message_choices.choose(off.subject_id, MessageKind.ORDER_CONFIRMED, enabled=False)
        await tx.message_choices.choose(other.subject_id, MessageKind.ORDER_CONFIRMED, enabled=True)
    await customer.placed()
    await customer.failed()
    await send_due(harness, owners)
    both = sorted(address_of(one.subject_id) for one in (off, other))
    confirmed = [mail["recipient"] for mail in await mails(harness) if "ORD-2026" in mail["text"]]
    assert confirmed == [address_of(other.subject_id)]
    assert [mail["recipient"] for mail in await mails(harness) if "Portti" in mail["text"]] == both


async def test_an_organisation_whose_users_want_nothing_is_not_told_by_the_sites_contact(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    off = await member_of(harness, customer.org)
    async with harness.work() as tx:
        await tx.message_choices.choose(off.subject_id, MessageKind.ORDER_CONFIRMED, enabled=False)
    await customer.placed()
    await send_due(harness, owners)
    assert await mails(harness) == []


async def test_a_job_names_its_cause(harness: Harness, customer: Customer) -> None:
    await customer.placed()
    (payload,) = await harness.pool.fetchrow("SELECT payload FROM chassis.pgqueuer")  # type: ignore[misc]
    cause = await harness.pool.fetchval("SELECT id FROM message_causes")
    assert msgspec.json.decode(payload, type=SendMessages).cause_id == cause


async def test_messages_are_deleted_with_their_cause_after_thirteen_months(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await set_last_restore(harness.pool, harness.clock.now())
    await send_due(harness, owners)
    await set_last_restore(harness.pool, None)
    harness.clock.move(days=1)
    await customer.failed()
    await send_due(harness, owners)

    async def left(table: str) -> int:
        return int(await harness.pool.fetchval(f"SELECT count(*) FROM {table}"))

    async def kept() -> list[int]:
        await delete_expired(harness.pool, harness.clock.now(), asyncio.Event())
        return [await left(table) for table in ("message_causes", "held_messages", "messages")]

    harness.clock.move(days=395)
    assert await kept() == [2, 1, 1]
    harness.clock.move(minutes=1)
    assert await kept() == [1, 0, 1]
    harness.clock.move(days=1)
    assert await kept() == [0, 0, 0]
    await customer.failed()
    harness.clock.move(days=400)
    assert await kept() == [1, 0, 0], "it is still due"
