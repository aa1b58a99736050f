"""S5: messages that can't be sent end in a ticket; all are deleted after their time."""

import asyncio
import datetime as dt

from services.chassis.ids import read_id
from services.chassis.problems import NotReadyYet
from services.contracts.identity.people import Language
from services.contracts.permission import SubjectKind
from services.contracts.support.tickets import Channel, Ticket
from services.contracts.ticket_requests import Topic
from services.contracts.values import Page
from services.support.messaging.jobs import messages_job
from services.support.store.retention import delete_expired
from services.support.usecases.report_failed_message import fail_cause, fail_message
from tests.component.support.forms import Harness, member_of
from tests.component.support.message_sources import (
    Customer,
    FakeOwners,
    mails,
    send_due,
    set_last_restore,
    states,
)
from tests.support.job_runner import running_jobs
from tests.support.polling import until


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
