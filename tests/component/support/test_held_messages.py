"""S5: messages from before a restore of support's database are held, and the staff send or drop them."""

import datetime as dt
from collections.abc import Sequence

import pytest

from services.access.caller import Caller
from services.chassis.jobs.job import RunAgain
from services.chassis.problems import NotReadyYet
from services.contracts.identity.people import Language
from services.contracts.orders.orders import OrderState
from services.contracts.permission import SubjectKind
from services.contracts.support.events import MessagesWritten
from services.contracts.support.held_messages import (
    DecideHeldMessages,
    HeldMessage,
    HeldMessageFilter,
    HeldMessagesDecided,
    HeldMessageState,
)
from services.contracts.support.messages import MessageKind
from services.contracts.values import Page, Refusal
from services.support.messaging.jobs import MessageMails
from tests.component.support.forms import Harness, an_id, known_site, member_of
from tests.component.support.message_sources import (
    Customer,
    FakeOwners,
    addresses,
    mails,
    send_due,
    set_last_restore,
    states,
)

HELD = [("ORDER_CONFIRMED", "HELD")]


async def restore(harness: Harness) -> None:
    """Have everything so far be from before a restore that was noticed now."""
    await set_last_restore(harness.pool, harness.clock.now())
    harness.clock.move(minutes=1)


async def held_messages(harness: Harness, conditions: HeldMessageFilter | None = None) -> Sequence[HeldMessage]:
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    page = await staff.held_messages(Page(), conditions)
    return [edge.node for edge in page.edges]


async def decide(
    harness: Harness, ids: Sequence[str], *, send: bool, key: str = "1", by: Caller | None = None
) -> HeldMessagesDecided | Refusal:
    staff = harness.api(by or await harness.caller(kind=SubjectKind.STAFF))
    return await staff.decide_held_messages(DecideHeldMessages(idempotency_key=key, ids=list(ids), send=send))


async def recorded_actions(harness: Harness) -> list[tuple[str, str]]:
    """Return the actions of the audit log with their subjects."""
    rows = await harness.pool.fetch("SELECT action, subject FROM chassis.audit ORDER BY id")
    return [(row["action"], row["subject"]) for row in rows]


async def enqueued(harness: Harness, job: str) -> int:
    return int(await harness.pool.fetchval("SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = $1", job))


async def test_causes_from_before_a_restore_are_held_and_listed(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    caused_at = harness.clock.now()
    await restore(harness)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], HELD)
    (held,) = await held_messages(harness)
    assert (held.kind, held.subject_id, held.state) == (
        MessageKind.ORDER_CONFIRMED,
        customer.order,
        HeldMessageState.HELD,
    )
    assert (held.organisation_id, held.site_id) == (customer.org, customer.site)
    assert (held.caused_at, held.held_at) == (caused_at, harness.clock.now())
    assert held.expires_at == caused_at + dt.timedelta(days=3)
    assert held.description
    assert (held.by, held.decided_at) == (None, None)
    await customer.placed()
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], HELD), "the event is consumed again"


async def test_a_ticket_tells_the_staff_of_a_restore_once(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await customer.placed()
    await customer.failed()
    for opened in (1, 2):
        await restore(harness)
        await harness.pool.execute("UPDATE message_causes SET state = 'DUE', due_at = at")
        await send_due(harness, owners)
        rows = await harness.pool.fetch("SELECT channel, organisation_id FROM tickets")
        assert [tuple(row) for row in rows] == [("SYSTEM", None)] * opened


async def test_later_causes_are_told(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await restore(harness)
    await customer.placed()
    await send_due(harness, owners)
    assert len(await mails(harness)) == 1
    assert await held_messages(harness) == []


async def test_nothing_is_sent_while_a_restore_is_possible(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await customer.failed()
    await harness.pool.execute("UPDATE chassis.leader SET checked_epoch = -1")
    with pytest.raises(NotReadyYet):
        await send_due(harness, owners)
    await set_last_restore(harness.pool, None)
    await send_due(harness, owners)
    sender = MessageMails(harness.work, Language.FI)
    mail_id = (await mails(harness))[0]["id"]
    await harness.pool.execute("UPDATE chassis.leader SET until = '-infinity'")
    with pytest.raises(RunAgain):
        await sender.may_send(mail_id)
    await set_last_restore(harness.pool, None)
    assert await sender.may_send(mail_id)


async def test_staff_send_held_messages(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await restore(harness)
    await send_due(harness, owners)
    await member_of(harness, customer.org)
    (held,) = await held_messages(harness)
    assert await decide(harness, [held.id], send=True) == HeldMessagesDecided(decided=1, skipped=0)
    assert await enqueued(harness, "send-messages") == 1
    await send_due(harness, owners)
    assert len(await addresses(harness)) == 2, "those who are to be told now"
    assert await states(harness) == [("ORDER_CONFIRMED", "TOLD")]
    (sent,) = await held_messages(harness)
    assert sent.state is HeldMessageState.SENT
    assert sent.by is not None
    assert sent.decided_at == harness.clock.now()
    assert await recorded_actions(harness) == [("HELD_MESSAGE_SENT", held.id)]
    assert await MessageMails(harness.work, Language.FI).may_send((await mails(harness))[0]["id"])


async def test_held_messages_that_do_not_hold_any_more_are_not_sent(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await restore(harness)
    await send_due(harness, owners)
    customer.order_in(OrderState.CANCELLED)
    (held,) = await held_messages(harness)
    await decide(harness, [held.id], send=True)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "OBSOLETE")])


async def test_held_messages_that_are_too_old_are_not_sent(
    harness: Harness, owners: FakeOwners, customer: Customer
) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await restore(harness)
    await send_due(harness, owners)
    (held,) = await held_messages(harness)
    harness.clock.move(days=3)
    await decide(harness, [held.id], send=True)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "EXPIRED")])


async def test_staff_drop_held_messages(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await restore(harness)
    await send_due(harness, owners)
    (held,) = await held_messages(harness)
    by = await harness.caller(kind=SubjectKind.STAFF)
    for _ in range(2):
        assert await decide(harness, [held.id], send=False, by=by) == HeldMessagesDecided(decided=1, skipped=0)
    assert await decide(harness, [held.id], send=True, key="2") == HeldMessagesDecided(decided=0, skipped=1)
    await customer.placed()
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], [("ORDER_CONFIRMED", "DROPPED")])
    assert await recorded_actions(harness) == [("HELD_MESSAGE_DROPPED", held.id)]


@pytest.mark.parametrize("send", [True, False])
async def test_mails_that_were_written_before_the_backup_are_held(
    harness: Harness, owners: FakeOwners, customer: Customer, send: bool
) -> None:
    for _ in range(2):
        await member_of(harness, customer.org)
    await customer.placed()
    await send_due(harness, owners)
    mail_ids = [row["id"] for row in await mails(harness)]
    await harness.pool.execute("UPDATE chassis.mail SET sent_at = clock_timestamp() WHERE id = $1", mail_ids[0])
    await restore(harness)
    sender = MessageMails(harness.work, Language.FI)
    assert [await sender.may_send(one) for one in mail_ids] == [False, False]
    assert await states(harness) == HELD
    (held,) = await held_messages(harness)
    await decide(harness, [held.id], send=send)
    assert await states(harness) == [("ORDER_CONFIRMED", "TOLD" if send else "DROPPED")]
    assert [await sender.may_send(one) for one in mail_ids] == [send, send]
    withdrawn = await harness.pool.fetch("SELECT id FROM chassis.mail WHERE given_up_at IS NOT NULL")
    assert [row["id"] for row in withdrawn] == ([] if send else mail_ids[1:])
    assert await enqueued(harness, "send-mail") >= 2


async def test_a_second_restore_holds_again(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    await member_of(harness, customer.org)
    await customer.placed()
    await restore(harness)
    await send_due(harness, owners)
    (held,) = await held_messages(harness)
    await decide(harness, [held.id], send=True)
    harness.clock.move(minutes=1)
    await restore(harness)
    await send_due(harness, owners)
    assert (await mails(harness), await states(harness)) == ([], HELD)
    (again,) = await held_messages(harness)
    assert (again.state, again.by, again.decided_at) == (HeldMessageState.HELD, None, None)
    assert again.held_at > held.held_at


async def test_held_messages_are_filtered(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    other_org = an_id("org")
    other = Customer(harness, owners, other_org, await known_site(harness, other_org))
    await customer.placed()
    harness.clock.move(minutes=1)
    await other.failed()
    await restore(harness)
    await send_due(harness, owners)
    first, second = await held_messages(harness)
    for conditions, found in [
        (HeldMessageFilter(states=[HeldMessageState.HELD]), [first, second]),
        (HeldMessageFilter(states=[HeldMessageState.SENT]), []),
        (HeldMessageFilter(kinds=[second.kind]), [second]),
        (HeldMessageFilter(organisation_ids=[customer.org]), [first]),
        (HeldMessageFilter(site_ids=[other.site, an_id("site")]), [second]),
    ]:
        assert await held_messages(harness, conditions) == found, conditions
    staff = harness.api(await harness.caller(kind=SubjectKind.STAFF))
    assert await staff.held_messages_by_id([second.id, an_id("held"), "held_x"]) == [second, None, None]


async def test_what_was_written_is_announced(harness: Harness, owners: FakeOwners, customer: Customer) -> None:
    for _ in range(2):
        await member_of(harness, customer.org)
    await customer.placed()
    await send_due(harness, owners)
    (written,) = await harness.emitted_events(MessagesWritten)
    assert (written.kind, written.organisation_id, written.site_id, written.messages) == (
        MessageKind.ORDER_CONFIRMED,
        customer.org,
        customer.site,
        2,
    )


@pytest.mark.parametrize("count", [0, 201])
async def test_a_decision_names_up_to_200(harness: Harness, count: int) -> None:
    refused = await decide(harness, [an_id("held") for _ in range(count)], send=True)
    assert isinstance(refused, Refusal)
    assert refused.problems[0].path == ["ids"]


async def test_a_decision_about_unknown_ones_does_nothing(harness: Harness) -> None:
    decided = await decide(harness, [an_id("held"), "held_x"], send=True)
    assert decided == HeldMessagesDecided(decided=0, skipped=2)
    assert await enqueued(harness, "send-messages") == 0
