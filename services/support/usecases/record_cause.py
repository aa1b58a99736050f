"""A cause of messages, recorded in the transaction of what caused it."""

import datetime as dt
import uuid

from services.chassis.jobs.job import Job
from services.contracts.support.messages import MessageKind
from services.support.domain.message import CauseRecord, cause_id
from services.support.domain.message_kind import RULES, next_time
from services.support.domain.ticket import TicketRecord
from services.support.usecases.ports.transaction import SupportStore


class SendMessages(Job, frozen=True, kw_only=True, tag="send-messages"):
    """The job that sends the messages of one cause."""

    cause_id: uuid.UUID


async def record_cause(
    tx: SupportStore,
    kind: MessageKind,
    subject: uuid.UUID,
    *,
    organisation_id: uuid.UUID | None,
    site_id: uuid.UUID | None,
    at: dt.datetime,
    day: dt.date | None = None,
    recipient: str = "",
    key: str = "",
) -> None:
    """Record a cause once for each key, its subject's id unless one is given; do nothing about one that is too old."""
    rule = RULES[kind]
    if tx.now - at >= rule.max_age:
        return
    due_at = next_time(rule, tx.now, tx.clock.zone)
    cause = CauseRecord(
        id=cause_id(kind, key or str(subject)),
        kind=kind,
        key=key or str(subject),
        subject=subject,
        organisation_id=organisation_id,
        site_id=site_id,
        day=day,
        recipient=recipient,
        at=at,
        first_due_at=due_at,
        due_at=due_at,
    )
    # A job that is lost is enqueued again by the schedule, once.
    if await tx.messages.add_cause(cause) and due_at <= tx.now:
        tx.enqueue(SendMessages(cause_id=cause.id), unique=True)


async def record_receipt(tx: SupportStore, ticket: TicketRecord) -> None:
    """Have the sender of a new ticket told that it was received."""
    await record_cause(
        tx,
        MessageKind.RECEIPT,
        ticket.id,
        organisation_id=ticket.organisation_id,
        site_id=ticket.site_id,
        at=ticket.opened_at,
    )


async def record_answer(tx: SupportStore, ticket: TicketRecord, entry_id: uuid.UUID) -> None:
    """Have the customers of a ticket told of an answer."""
    await record_cause(
        tx,
        MessageKind.TICKET_ANSWER,
        entry_id,
        organisation_id=ticket.organisation_id,
        site_id=ticket.site_id,
        at=tx.now,
    )
