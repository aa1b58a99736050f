"""S4, S5, S8: a cause is told once, to those who reach the thing at the time of sending."""

import datetime as dt

import msgspec

from services.access import copy
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.people import Language
from services.contracts.orders.orders import OrderState
from services.contracts.orders.pickups import PickupState
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.messages import MessageKind
from services.contracts.support.thread import AnswerTicket, TicketEntryAdded
from services.contracts.support.tickets import Channel, Ticket, TicketState
from services.contracts.values import Page, Refusal
from services.support.usecases.record_cause import SendMessages
from tests.component.support.forms import Harness, an_id, form, member_of, send
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
    states,
)
from tests.component.support.test_public_form import GATEWAY, public_form
from tests.component.support.test_staff_contacts import a_call, logged


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
