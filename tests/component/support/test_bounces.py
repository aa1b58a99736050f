"""S5: a mail that came back is known to the staff and the person, and its address gets none until that is lifted."""

import asyncio
import datetime as dt
import uuid

import msgspec

from services.access.caller import Caller
from services.contracts.identity.people import Contact, Language
from services.contracts.permission import SubjectKind
from services.contracts.support.mail_suppressions import (
    LiftMailSuppression,
    MailRecipientKind,
    MailResumed,
    MailSuppression,
    MailSuppressionFilter,
    MailSuppressionLifted,
    MailSuppressionOrder,
    MailSuppressionOrderField,
    OwnMailSuppression,
    ResumeMail,
    SuppressionReason,
)
from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import TicketContact
from services.contracts.values import Page, refuse
from services.support.domain.delivery_report import DeliveryFailure
from services.support.usecases.record_bounce import record_bounce
from tests.component.support.forms import Harness, an_id, form, member_of, send
from tests.component.support.message_sources import (
    BOUNCES,
    Customer,
    FakeOwners,
    address_of,
    addresses,
    mails,
    send_due,
)
from tests.component.support.test_messages import answered
from tests.component.support.test_public_form import GATEWAY, public_form

NO_SUCH_ADDRESS, MAILBOX_FULL = DeliveryFailure("5.1.1"), DeliveryFailure("5.2.2")


async def bounced(harness: Harness, failure: DeliveryFailure = NO_SUCH_ADDRESS) -> None:
    """Have every mail that was written come back."""
    for mail in await mails(harness):
        await record_bounce(harness.work, Language.SV, mail["id"], failure)


async def confirm(customer: Customer, owners: FakeOwners, count: int = 1) -> None:
    """Confirm that many orders of the customer's site."""
    for _ in range(count):
        await Customer(customer.harness, owners, customer.org, customer.site).placed()
    await send_due(customer.harness, owners)


async def states_of_messages(harness: Harness) -> list[str]:
    """Return the states of the messages, sorted."""
    return sorted(row["state"] for row in await harness.pool.fetch("SELECT state FROM messages"))


async def suppressions(harness: Harness, filter: MailSuppressionFilter | None = None) -> list[MailSuppression]:
    """Return the suppressions that the staff see, the latest ones first."""
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    return [edge.node for edge in (await staff.mail_suppressions(Page(), filter)).edges]


async def notes(harness: Harness) -> list[str]:
    """Return the texts of the notes in all tickets, in order of time."""
    query = "SELECT text FROM ticket_entries WHERE kind = $1 ORDER BY at, id"
    return [row["text"] for row in await harness.pool.fetch(query, EntryKind.NOTE.value)]


def known(harness: Harness, user_id: str, email: str | None = None) -> None:
    """Have identity know the address of a user."""
    contact = Contact(user_id=user_id, username="mirja", email=email or address_of(user_id), language=Language.FI)
    harness.identity.responses = {**harness.identity.responses, "contacts": msgspec.json.encode([contact])}


def resume(key: str = "1") -> ResumeMail:
    return ResumeMail(idempotency_key=key)


# The addresses of envelopes.


async def test_a_mail_has_an_envelope_that_names_it(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await confirm(customer, owners)
    (mail,) = await mails(harness)
    assert BOUNCES.read(mail["envelope_sender"]) == mail["id"]


# The suppression of an address.


async def test_an_address_that_does_not_exist_gets_no_more_mail(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller, other = await member_of(harness, customer.org), await member_of(harness, customer.org)
    await confirm(customer, owners)
    (first,) = [mail for mail in await mails(harness) if mail["recipient"] == address_of(caller.subject_id)]
    await record_bounce(harness.work, Language.SV, first["id"], NO_SUCH_ADDRESS)
    await confirm(customer, owners)
    assert await addresses(harness) == sorted(
        [address_of(caller.subject_id), address_of(other.subject_id), address_of(other.subject_id)]
    )
    assert await states_of_messages(harness) == ["BOUNCED", "SUPPRESSED", "WRITTEN", "WRITTEN"]
    (suppression,) = await suppressions(harness)
    now = harness.clock.now()
    assert suppression == MailSuppression(
        id=suppression.id,
        recipient_kind=MailRecipientKind.USER,
        user_id=caller.subject_id,
        site_id=None,
        ticket_id=None,
        reason=SuppressionReason.ADDRESS_FAILED,
        status="5.1.1",
        since=now,
        until=now + dt.timedelta(days=180),
    )
    stored = str(await harness.pool.fetch("SELECT * FROM mail_suppressions, messages"))
    assert "@" not in stored, "no address is kept"


async def test_a_full_mailbox_gets_no_more_mail_after_three_messages(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await confirm(customer, owners, 2)
    for _ in range(3):
        await bounced(harness, MAILBOX_FULL)
    assert await suppressions(harness) == [], "a repeated report counts once"
    await confirm(customer, owners)
    await bounced(harness, MAILBOX_FULL)
    (suppression,) = await suppressions(harness)
    assert (suppression.reason, suppression.status) == (SuppressionReason.SEVERAL_FAILED, "5.2.2")
    await confirm(customer, owners)
    assert await states_of_messages(harness) == ["BOUNCED", "BOUNCED", "BOUNCED", "SUPPRESSED"]


async def test_failures_of_two_weeks_ago_do_not_count(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await confirm(customer, owners, 2)
    await bounced(harness, MAILBOX_FULL)
    harness.clock.move(days=14)
    await confirm(customer, owners, 2)
    await bounced(harness, MAILBOX_FULL)
    assert await suppressions(harness) == []


async def test_reports_at_once_count_each_other(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await confirm(customer, owners, 3)
    written = await mails(harness)
    await asyncio.gather(*(record_bounce(harness.work, Language.SV, mail["id"], MAILBOX_FULL) for mail in written))
    assert len(await suppressions(harness)) == 1


async def test_a_report_on_an_unknown_mail_does_nothing(harness: Harness, customer: Customer) -> None:
    await record_bounce(harness.work, Language.SV, uuid.uuid4(), NO_SUCH_ADDRESS)
    assert await suppressions(harness) == []


async def test_several_messages_to_an_address_have_one_suppression(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await confirm(customer, owners, 2)
    await bounced(harness)
    assert len(await suppressions(harness)) == 1


async def test_an_address_is_tried_again_after_180_days(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    await confirm(customer, owners)
    await bounced(harness)
    known(harness, caller.subject_id)
    (former,) = await suppressions(harness)
    harness.clock.move(days=180)
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    assert await suppressions(harness) == []
    assert await staff.mail_suppressions_by_id([former.id]) == [None]
    assert await harness.api(caller).own_mail_suppression() is None
    await confirm(customer, owners)
    await bounced(harness)
    (latter,) = await suppressions(harness)
    assert latter.id != former.id
    assert await states_of_messages(harness) == ["BOUNCED", "BOUNCED"]


# The staff's notes.


async def test_the_staff_are_told_that_an_answer_did_not_arrive(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await harness.api(GATEWAY).send_public_form(public_form())
    await send_due(harness, owners)
    await bounced(harness)
    receipt = "Det här mejlet nådde inte kunden: "
    (note,) = await notes(harness)
    assert note.startswith(receipt)
    assert note.endswith("E-postservern svarade 5.1.1.")
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    (edge,) = (await staff.tickets(Page())).edges
    await answered(harness, edge.node)
    await send_due(harness, owners)
    assert await states_of_messages(harness) == ["BOUNCED", "SUPPRESSED"]
    assert (await notes(harness))[1].startswith("Det här mejlet skickades inte till kunden")
    (now,) = await staff.tickets_by_id([edge.node.id])
    assert now is not None
    assert now.version == edge.node.version + 1, "of the answer: customers notice no note"
    (suppression,) = await suppressions(harness)
    assert (suppression.recipient_kind, suppression.ticket_id) == (MailRecipientKind.TICKET, edge.node.id)
    contact = await staff.ticket_contact(edge.node.id)
    assert isinstance(contact, TicketContact)
    assert contact.mail_suppression == suppression
    assert (await staff.mail_suppressions_by_id([suppression.id, "x", an_id("suppression")])) == [
        suppression,
        None,
        None,
    ]


async def test_a_message_about_an_order_has_no_ticket_for_a_note(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await confirm(customer, owners)
    await bounced(harness)
    await confirm(customer, owners)
    assert await states_of_messages(harness) == ["BOUNCED", "SUPPRESSED"]
    assert await notes(harness) == []
    (suppression,) = await suppressions(harness)
    assert (suppression.recipient_kind, suppression.site_id) == (MailRecipientKind.SITE, customer.site)


async def test_a_contact_whose_address_gets_mail_has_no_suppression(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    ticket = await send(harness, caller, form(customer.site))
    known(harness, caller.subject_id)
    contact = await harness.api(await harness.caller(kind=SubjectKind.STAFF)).ticket_contact(ticket.id)
    assert isinstance(contact, TicketContact)
    assert contact.mail_suppression is None


# The list.


async def test_the_list_is_filtered_and_ordered(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await harness.api(GATEWAY).send_public_form(public_form())
    await send_due(harness, owners)
    await bounced(harness)
    harness.clock.move(hours=1)
    await confirm(customer, owners, 3)
    for mail in await mails(harness):
        if mail["recipient"] == owners.site_email:
            await record_bounce(harness.work, Language.SV, mail["id"], MAILBOX_FULL)
    of_site, of_ticket = await suppressions(harness)
    kinds, reasons = [MailRecipientKind.TICKET], [SuppressionReason.SEVERAL_FAILED]
    assert await suppressions(harness, MailSuppressionFilter(recipient_kinds=kinds)) == [of_ticket]
    assert await suppressions(harness, MailSuppressionFilter(reasons=reasons)) == [of_site]
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    oldest_first = MailSuppressionOrder(field=MailSuppressionOrderField.SINCE)
    page = await staff.mail_suppressions(Page(first=1), None, oldest_first)
    assert [edge.node for edge in page.edges] == [of_ticket]
    rest = await staff.mail_suppressions(Page(first=1, after=page.edges[0].cursor), None, oldest_first)
    assert [edge.node for edge in rest.edges] == [of_site]


async def test_the_list_tells_what_was_lifted_since_a_look(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await confirm(customer, owners)
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    token = (await staff.mail_suppressions(Page())).page_info.updated_until
    await bounced(harness)
    since = await staff.mail_suppressions(Page(updated_after=token))
    (edge,) = since.edges
    await staff.lift_mail_suppression(LiftMailSuppression(idempotency_key="1", id=edge.node.id))
    later = await staff.mail_suppressions(Page(updated_after=since.page_info.updated_until))
    assert (later.edges, later.removed) == ([], [edge.node.id])


# The new beginning.


async def test_the_staff_lift_a_suppression_once(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await confirm(customer, owners)
    await bounced(harness)
    (suppression,) = await suppressions(harness)
    caller = await harness.caller(kind=SubjectKind.STAFF)
    command = LiftMailSuppression(idempotency_key="1", id=suppression.id)
    for _ in range(2):
        assert await harness.api(caller).lift_mail_suppression(command) == MailSuppressionLifted()
    rows = await harness.pool.fetch("SELECT actor, action, subject FROM chassis.audit")
    assert [tuple(row) for row in rows] == [(caller.subject_id, "MAIL_SUPPRESSION_LIFTED", suppression.id)]
    for unknown in (suppression.id, "x"):
        again = LiftMailSuppression(idempotency_key=f"2{unknown}", id=unknown)
        assert await harness.api(caller).lift_mail_suppression(again) == refuse("NOT_FOUND", "id")
    await confirm(customer, owners)
    assert len(await mails(harness)) == 2


async def test_a_person_sees_and_lifts_the_suppression_of_their_address(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    api = harness.api(caller)
    known(harness, caller.subject_id, address_of(caller.subject_id).upper())
    assert await api.own_mail_suppression() is None
    await confirm(customer, owners, 3)
    await bounced(harness, MAILBOX_FULL)
    now = harness.clock.now()
    assert await api.own_mail_suppression() == OwnMailSuppression(
        reason=SuppressionReason.SEVERAL_FAILED, since=now, until=now + dt.timedelta(days=180)
    )
    assert await api.resume_mail(resume()) == MailResumed()
    assert await api.own_mail_suppression() is None
    await confirm(customer, owners)
    await bounced(harness, MAILBOX_FULL)
    assert await api.own_mail_suppression() is None, "failures are counted anew"
    await confirm(customer, owners, 2)
    await bounced(harness, MAILBOX_FULL)
    assert await api.resume_mail(resume()) == MailResumed(), "the first command again"
    assert await api.own_mail_suppression() is not None


async def test_a_person_has_mail_sent_again_three_times_an_hour(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    caller = await member_of(harness, customer.org)
    api = harness.api(caller)
    known(harness, caller.subject_id)
    for count in range(5):
        assert await api.resume_mail(resume(f"nothing {count}")) == MailResumed(), "what does nothing is not counted"
    for count in range(3):
        await confirm(customer, owners)
        await bounced(harness)
        assert await api.resume_mail(resume(f"{count}")) == MailResumed()
        harness.clock.move(minutes=1)
    await confirm(customer, owners)
    await bounced(harness)
    refused = refuse("TOO_MANY_MESSAGES", retryable=True, seconds=57 * 60)
    assert await api.resume_mail(resume("4")) == refused
    assert await api.own_mail_suppression() is not None
    harness.clock.move(minutes=57)
    assert await api.resume_mail(resume("4")) == MailResumed()
    assert await harness.pool.fetchval("SELECT count(*) FROM mail_resumptions") == 3, "the first one is forgotten"


async def test_another_address_has_no_suppression(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    caller = await member_of(harness, customer.org)
    await confirm(customer, owners)
    await bounced(harness)
    known(harness, caller.subject_id, "uusi@example.fi")
    assert await harness.api(caller).own_mail_suppression() is None


async def test_a_deleted_user_has_no_suppression(harness: Harness) -> None:
    caller: Caller = await member_of(harness, an_id("org"))
    harness.identity.responses = {**harness.identity.responses, "contacts": b"[null]"}
    assert await harness.api(caller).own_mail_suppression() is None
    assert await harness.api(caller).resume_mail(resume()) == MailResumed()
