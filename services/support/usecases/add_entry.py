"""The entry that a command adds to a thread."""

import uuid

import msgspec

from services.access.caller import Caller
from services.chassis.ids import new_uuid, read_id, write_id
from services.contracts.support.thread import EntryKind
from services.contracts.support.tickets import Channel
from services.contracts.values import Id, Refusal
from services.support.domain.contact_form import attachment_problems, clean_lines, text_problems
from services.support.domain.ticket import EntryRecord, TicketRecord
from services.support.usecases.attachments import keep_attachments
from services.support.usecases.ports.transaction import SupportStore


class Draft(msgspec.Struct, frozen=True):
    """The text and the files of an entry."""

    text: str
    attachment_ids: list[Id]


def parse_draft(text: str, attachment_ids: list[Id]) -> Draft | Refusal:
    """Return a draft, or MALFORMED for each invalid field."""
    cleaned = clean_lines(text)
    problems = [*text_problems(cleaned, "text"), *attachment_problems(attachment_ids)]
    return Refusal(problems=problems) if problems else Draft(cleaned, attachment_ids)


async def add_entry(
    tx: SupportStore, caller: Caller, ticket: TicketRecord, kind: EntryKind, channel: Channel, draft: Draft
) -> Id | Refusal:
    """Add an entry of the caller to a locked ticket, and return its id. Refused with UNKNOWN_FILE."""
    file_ids = await keep_attachments(tx, caller.subject_id, draft.attachment_ids)
    if isinstance(file_ids, Refusal):
        return file_ids
    entry = EntryRecord(
        id=new_uuid(),
        ticket_id=ticket.id,
        kind=kind,
        channel=channel,
        author_id=read_id("user", caller.subject_id),
        text=draft.text,
        at=tx.now,
        file_ids=file_ids,
    )
    await tx.entries.add(entry)
    return write_id("entry", entry.id)


async def add_system_note(tx: SupportStore, ticket_id: uuid.UUID, text: str) -> None:
    """Add a note of Kierto itself to a locked ticket."""
    note = EntryRecord(
        id=new_uuid(),
        ticket_id=ticket_id,
        kind=EntryKind.NOTE,
        channel=Channel.SYSTEM,
        author_id=None,
        text=text,
        at=tx.now,
    )
    await tx.entries.add(note)
