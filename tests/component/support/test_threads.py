"""S2: customers and staff write in the thread of a ticket; notes are the staff's alone."""

import asyncio
import datetime as dt
from typing import Any

import msgspec
import pytest

from services.access.caller import Caller
from services.chassis.db.sensitive import erase_person
from services.chassis.files.media_type import MediaType
from services.chassis.ids import new_uuid, read_id, write_id
from services.chassis.jobs.schedule import JobSchedule
from services.contracts.identity.events import Grant
from services.contracts.permission import Role, SubjectKind
from services.contracts.support.events import TicketChanged
from services.contracts.support.thread import (
    AddTicketNote,
    AnswerTicket,
    EntryKind,
    ReplyToTicket,
    TicketEntry,
    TicketEntryAdded,
    TicketEntryFilter,
    TicketEntryOrder,
    TicketEntryOrderField,
)
from services.contracts.support.tickets import (
    AssignTicket,
    ChangeTicketState,
    Ticket,
    TicketAssigned,
    TicketFilter,
    TicketState,
    TicketStateChanged,
)
from services.contracts.values import Connection, Page, Refusal, SortDirection, conflict, malformed, refuse
from services.support.app import SUPPORT
from services.support.usecases.close_ticket import close_ticket
from tests.component.support.forms import Harness, MakeSupport, an_id, form, known_site, member_of, send
from tests.support.chunks import iterate_chunks
from tests.support.owner import owner_of

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)
"""A picture of one pixel."""


class Conversation:
    """A ticket with its customer, a colleague of another site, and one of the staff."""

    def __init__(self, harness: Harness, ticket: Ticket, customer: Caller, staff: Caller) -> None:
        self.harness = harness
        self.ticket = ticket
        self.customer = customer
        self.staff = staff

    async def now(self) -> Ticket:
        """Return the ticket as it is now."""
        (ticket,) = await self.harness.api(self.staff).tickets_by_id([self.ticket.id])
        assert ticket is not None
        return ticket

    async def reply(
        self, text: str, *files: str, key: str = "", by: Caller | None = None
    ) -> TicketEntryAdded | Refusal:
        command = ReplyToTicket(
            idempotency_key=key or text, ticket_id=self.ticket.id, text=text, attachment_ids=list(files)
        )
        return await self.harness.api(by or self.customer).reply_to_ticket(command)

    async def answer(self, text: str, state: TicketState = TicketState.WAITING_FOR_CUSTOMER) -> TicketEntryAdded:
        answered = await self.harness.api(self.staff).answer_ticket(
            AnswerTicket(
                idempotency_key=text,
                ticket_id=self.ticket.id,
                version=(await self.now()).version,
                text=text,
                state=state,
            )
        )
        assert isinstance(answered, TicketEntryAdded)
        return answered

    async def note(self, text: str) -> TicketEntryAdded | Refusal:
        command = AddTicketNote(idempotency_key=text, ticket_id=self.ticket.id, text=text)
        return await self.harness.api(self.staff).add_ticket_note(command)

    async def thread(self, reader: Caller, page: Page | None = None, **asked: Any) -> list[TicketEntry]:
        listing = await self.listing(reader, page or Page(), **asked)
        return [edge.node for edge in listing.edges]

    async def listing(self, reader: Caller, page: Page, **asked: Any) -> Connection[TicketEntry]:
        (listing,) = await self.harness.api(reader).threads_of_tickets([self.ticket.id], page, **asked)
        return listing

    async def texts(self, reader: Caller) -> list[str]:
        return [entry.text for entry in await self.thread(reader)]

    async def upload(self, owner: Caller, name: str = "kuva.png") -> str:
        row = await self.harness.files.uploads.begin_upload(
            iterate_chunks(PNG), owner=owner.subject_id, name=name, accepted=set(MediaType), max_bytes=10_000
        )
        return write_id("file", row.id)


@pytest.fixture
async def conversation(make_harness: MakeSupport) -> Conversation:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    customer = await member_of(harness, org)
    ticket = await send(harness, customer, form(await known_site(harness, org), "Portti oli kiinni."))
    return Conversation(harness, ticket, customer, await harness.caller(kind=SubjectKind.STAFF))


async def test_a_conversation(conversation: Conversation) -> None:
    clock = conversation.harness.clock
    clock.move(minutes=1)
    answered = await conversation.answer("Milloin se on auki?")
    assert answered.ticket.state is TicketState.WAITING_FOR_CUSTOMER
    assert (answered.entry.by, answered.entry.kind) == (conversation.staff.subject_id, EntryKind.ANSWER)
    clock.move(minutes=1)
    replied = await conversation.reply("Aina arkisin.")
    assert isinstance(replied, TicketEntryAdded)
    assert (replied.ticket.state, replied.ticket.updated_at) == (TicketState.WAITING_FOR_US, clock.now())
    clock.move(minutes=1)
    solved = await conversation.answer("Kiitos, tulemme huomenna.", TicketState.SOLVED)
    assert solved.ticket.reopenable_until == clock.now() + dt.timedelta(days=30)
    texts = ["Portti oli kiinni.", "Milloin se on auki?", "Aina arkisin.", "Kiitos, tulemme huomenna."]
    for reader in (conversation.customer, conversation.staff):
        assert await conversation.texts(reader) == texts
    clock.move(days=3)
    reopened = await conversation.reply("Ette tulleet.")
    assert isinstance(reopened, TicketEntryAdded)
    assert (reopened.ticket.state, reopened.ticket.reopenable_until) == (TicketState.WAITING_FOR_US, None)
    changes = await conversation.harness.emitted_events(TicketChanged)
    assert [(one.state, one.entry, one.version) for one in changes] == [
        (TicketState.WAITING_FOR_CUSTOMER, EntryKind.ANSWER, 2),
        (TicketState.WAITING_FOR_US, EntryKind.MESSAGE, 3),
        (TicketState.SOLVED, EntryKind.ANSWER, 4),
        (TicketState.WAITING_FOR_US, EntryKind.MESSAGE, 5),
    ]


async def test_customers_neither_see_nor_find_notes(conversation: Conversation) -> None:
    noted = await conversation.note("Asiakas on ollut vihainen.")
    assert isinstance(noted, TicketEntryAdded)
    before = (await conversation.now()).version
    assert noted.ticket.version == before == conversation.ticket.version
    assert await conversation.texts(conversation.staff) == ["Portti oli kiinni.", "Asiakas on ollut vihainen."]
    assert await conversation.texts(conversation.customer) == ["Portti oli kiinni."]
    assert (await conversation.listing(conversation.customer, Page())).total_count == 1
    only_notes = TicketEntryFilter(kinds=[EntryKind.NOTE])
    assert await conversation.thread(conversation.customer, filter=only_notes) == []
    assert await conversation.thread(conversation.staff, filter=only_notes) == [noted.entry]
    api = conversation.harness.api
    assert await api(conversation.customer).ticket_entries_by_id([noted.entry.id]) == [None]
    assert await api(conversation.staff).ticket_entries_by_id([noted.entry.id, "x"]) == [noted.entry, None]
    for reader in (conversation.customer, conversation.staff):
        found = await api(reader).tickets(Page(), TicketFilter(search="vihainen"))
        assert found.edges == []
    assert await conversation.harness.emitted_events(TicketChanged) == []


async def test_the_members_that_reach_the_site_see_and_write_in_the_thread(conversation: Conversation) -> None:
    harness, org = conversation.harness, conversation.ticket.organisation_id
    assert org is not None and conversation.ticket.site_id is not None
    colleague = await member_of(harness, org, [conversation.ticket.site_id])
    assert isinstance(await conversation.reply("Minäkin odotan.", by=colleague), TicketEntryAdded)
    for stranger in (await member_of(harness, org, [an_id("site")]), await member_of(harness, an_id("org"))):
        assert await conversation.texts(stranger) == []
        assert await conversation.reply("Entä minä?", by=stranger) == refuse("NOT_FOUND", "ticketId")
    assert await conversation.texts(conversation.customer) == ["Portti oli kiinni.", "Minäkin odotan."]


async def test_a_thread_comes_in_pages_from_both_ends(conversation: Conversation) -> None:
    for count in range(4):
        conversation.harness.clock.move(minutes=1)
        await conversation.reply(str(count))
    reader = conversation.customer
    first = await conversation.listing(reader, Page(first=2))
    assert [edge.node.text for edge in first.edges] == ["Portti oli kiinni.", "0"]
    rest = await conversation.thread(reader, Page(first=2, after=first.page_info.end_cursor))
    assert [entry.text for entry in rest] == ["1", "2"]
    assert [entry.text for entry in await conversation.thread(reader, Page(last=2))] == ["2", "3"]
    latest = TicketEntryOrder(field=TicketEntryOrderField.AT, direction=SortDirection.DESC)
    assert [entry.text for entry in await conversation.thread(reader, Page(first=2), order=latest)] == ["3", "2"]
    assert await conversation.harness.api(reader).threads_of_tickets([], Page()) == []
    (unknown,) = await conversation.harness.api(reader).threads_of_tickets(["ticket_x"], Page())
    assert (unknown.edges, unknown.total_count) == ([], 0)


async def test_an_answer_on_what_has_changed_meanwhile_is_a_conflict(conversation: Conversation) -> None:
    read = conversation.ticket.version
    await conversation.reply("Lisäys.")
    api = conversation.harness.api(conversation.staff)
    stale = AnswerTicket(idempotency_key="1", ticket_id=conversation.ticket.id, version=read, text="Vastaus")
    assert await api.answer_ticket(stale) == conflict(conversation.ticket.id, yours=read, now=read + 1)
    assert await conversation.texts(conversation.staff) == ["Portti oli kiinni.", "Lisäys."]
    # The key is free: the same answer in the present version is another command.
    present = AnswerTicket(idempotency_key="1", ticket_id=conversation.ticket.id, version=read + 1, text="Vastaus")
    first = await api.answer_ticket(present)
    assert isinstance(first, TicketEntryAdded)
    repeated = await api.answer_ticket(present)
    assert isinstance(repeated, TicketEntryAdded)
    assert repeated.entry == first.entry
    assert len(await conversation.texts(conversation.staff)) == 3


async def test_ten_equal_replies_at_once_are_one(conversation: Conversation) -> None:
    replies = await asyncio.gather(*(conversation.reply("Hei", key="1") for _ in range(10)))
    assert len({one.entry.id for one in replies if isinstance(one, TicketEntryAdded)}) == 1
    assert await conversation.texts(conversation.customer) == ["Portti oli kiinni.", "Hei"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" \n", malformed("text", reason="REQUIRED")),
        ("x" * 4001, malformed("text", reason="TOO_LONG", longest=4000)),
        ("a\x00b", malformed("text", reason="CHARACTERS")),
    ],
)
async def test_a_malformed_entry_is_refused(conversation: Conversation, text: str, problem: object) -> None:
    refusal = Refusal(problems=[problem])  # type: ignore[list-item]
    assert await conversation.reply(text, key="1") == refusal
    api = conversation.harness.api(conversation.staff)
    answer = AnswerTicket(idempotency_key="1", ticket_id=conversation.ticket.id, version=1, text=text)
    assert await api.answer_ticket(answer) == refusal
    note = AddTicketNote(idempotency_key="1", ticket_id=conversation.ticket.id, text=text)
    assert await api.add_ticket_note(note) == refusal


async def test_attachments_are_kept_with_their_entry_and_shown_to_its_readers(conversation: Conversation) -> None:
    harness = conversation.harness
    mine, other = await conversation.upload(conversation.customer), await conversation.upload(conversation.staff)
    for unknown in (other, an_id("file"), "file_x"):
        assert await conversation.reply("Kuva", mine, unknown) == refuse("UNKNOWN_FILE", "attachmentIds", "1")
    assert await conversation.reply("Kuva", mine, mine) == refuse("UNKNOWN_FILE", "attachmentIds", "1")
    many = [an_id("file")] * 11
    assert await conversation.reply("Kuva", *many) == Refusal(
        problems=[malformed("attachmentIds", reason="TOO_MANY", most=10)]
    )
    assert await conversation.texts(conversation.customer) == ["Portti oli kiinni."]

    added = await conversation.reply("Kuva", mine)
    assert isinstance(added, TicketEntryAdded)
    for reader in (conversation.customer, conversation.staff):
        (link,) = (await conversation.thread(reader))[1].attachments
        assert link.name == "kuva.png"
        opened = await harness.files.storage.open(harness.files.tokens.verify(link.url.partition("?token=")[2]))
        assert b"".join([chunk async for chunk in opened.chunks]).startswith(b"\x89PNG")
    # The file goes to its entry once.
    answer = await harness.api(conversation.staff).answer_ticket(
        AnswerTicket(
            idempotency_key="1",
            ticket_id=conversation.ticket.id,
            version=added.ticket.version,
            text="Kuva",
            attachment_ids=[mine],
        )
    )
    assert answer == refuse("UNKNOWN_FILE", "attachmentIds", "0")


async def test_a_form_has_attachments_and_a_subject(make_harness: MakeSupport) -> None:
    harness = await make_harness(SUPPORT)
    org = an_id("org")
    site, customer = await known_site(harness, org), await member_of(harness, org)
    conversation = Conversation(harness, await send(harness, customer, form(site)), customer, customer)
    file = await conversation.upload(customer)
    command = form(site, key="2", attachment_ids=[file])
    conversation.ticket = await send(harness, customer, command)
    ((link,),) = [entry.attachments for entry in await conversation.thread(customer)]
    assert link.size > 0
    refused = await harness.api(customer).send_contact_form(form(site, key="3", attachment_ids=[an_id("file")]))
    assert refused == refuse("UNKNOWN_FILE", "attachmentIds", "0")


async def test_a_customer_writes_thirty_replies_an_hour(conversation: Conversation) -> None:
    for count in range(29):  # the form is the first one
        assert isinstance(await conversation.reply(str(count)), TicketEntryAdded)
    refused = await conversation.reply("liikaa")
    assert refused == refuse("TOO_MANY_MESSAGES", retryable=True, seconds=3600)
    conversation.harness.clock.move(hours=1)
    assert isinstance(await conversation.reply("liikaa"), TicketEntryAdded)


async def test_staff_take_hand_over_and_close_a_ticket(conversation: Conversation) -> None:
    harness, staff = conversation.harness, conversation.staff
    colleague = await harness.caller(kind=SubjectKind.STAFF)

    async def assign(to: str | None, version: int, key: str) -> object:
        command = AssignTicket(idempotency_key=key, ticket_id=conversation.ticket.id, version=version, assignee_id=to)
        return await harness.api(staff).assign_ticket(command)

    taken = await assign(staff.subject_id, 1, "1")
    assert isinstance(taken, TicketAssigned)
    assert (taken.ticket.state, taken.ticket.assigned_to) == (TicketState.OPEN, staff.subject_id)
    assert await assign(colleague.subject_id, 1, "2") == conflict(conversation.ticket.id, yours=1, now=2)
    for nobody in (conversation.customer.subject_id, an_id("user"), "user_x"):
        assert await assign(nobody, 2, "3") == refuse("NOT_STAFF", "assigneeId")
    assert isinstance(await assign(colleague.subject_id, 2, "4"), TicketAssigned)
    api = harness.api(staff)
    for found, asked in (
        (1, TicketFilter(assignee_ids=[colleague.subject_id])),
        (0, TicketFilter(assignee_ids=[staff.subject_id])),
        (1, TicketFilter(assigned=True)),
        (0, TicketFilter(assigned=False)),
        (1, TicketFilter(states=[TicketState.OPEN, TicketState.NEW])),
        (0, TicketFilter(states=[TicketState.NEW])),
        (1, TicketFilter(search="kiinni portti")),
        (1, TicketFilter(search=conversation.ticket.number)),
        (0, TicketFilter(search="auki")),
    ):
        assert len((await api.tickets(Page(), asked)).edges) == found, asked
        assert (await api.tickets(Page(), asked)).total_count == found
    assert isinstance(await assign(None, 3, "5"), TicketAssigned)
    closed = await api.change_ticket_state(
        ChangeTicketState(idempotency_key="6", ticket_id=conversation.ticket.id, version=4, state=TicketState.CLOSED)
    )
    assert isinstance(closed, TicketStateChanged)
    assert (closed.ticket.state, closed.ticket.version) == (TicketState.CLOSED, 5)


async def test_customers_declare_a_ticket_solved_and_reopen_it(conversation: Conversation) -> None:
    api = conversation.harness.api(conversation.customer)

    async def move(state: TicketState, version: int) -> object:
        command = ChangeTicketState(
            idempotency_key=f"{version}", ticket_id=conversation.ticket.id, version=version, state=state
        )
        return await api.change_ticket_state(command)

    assert await move(TicketState.CLOSED, 1) == refuse("ILLEGAL_MOVE", "state", before="NEW", after="CLOSED")
    assert isinstance(await move(TicketState.SOLVED, 1), TicketStateChanged)
    assert isinstance(await move(TicketState.WAITING_FOR_US, 2), TicketStateChanged)
    assert isinstance(await move(TicketState.SOLVED, 3), TicketStateChanged)
    conversation.harness.clock.move(days=31)
    closed = refuse("TICKET_CLOSED", "ticketId", number=conversation.ticket.number)
    assert await move(TicketState.WAITING_FOR_US, 4) == closed
    assert await conversation.reply("Vielä yksi asia.") == closed
    assert (await conversation.now()).version == 4


async def test_a_first_reply_is_not_shown_again_after_access_ended(conversation: Conversation) -> None:
    harness, org = conversation.harness, conversation.ticket.organisation_id
    leaving = await harness.caller(Grant(organisation_id=org, role=Role.VIEWER, until=dt.date(2026, 3, 4)))
    assert isinstance(await conversation.reply("Hei", by=leaving), TicketEntryAdded)
    harness.clock.move(days=1)
    assert await conversation.reply("Hei", by=leaving) == refuse("NOT_FOUND", "ticketId")


async def test_the_files_of_entries_stay_when_their_user_is_erased(conversation: Conversation) -> None:
    harness, user = conversation.harness, conversation.customer.subject_id
    attached, loose = [read_id("file", await conversation.upload(conversation.customer)) for _ in range(2)]
    assert isinstance(await conversation.reply("Kuva", write_id("file", attached)), TicketEntryAdded)
    async with owner_of(harness.pool) as owner, owner.transaction():
        await erase_person(owner, harness.blueprint.all_sensitive, user)
    entry = (await conversation.thread(conversation.staff))[1]
    assert (entry.text, entry.by, [link.name for link in entry.attachments]) == ("", user, ["kuva.png"])
    # The sweep deletes pending files.
    rows = await harness.pool.fetch("SELECT id, state FROM chassis.files")
    assert {row["id"]: row["state"] for row in rows} == {attached: "kept", loose: "pending"}


async def solve(conversation: Conversation) -> int:
    """Have a ticket solved, and its time for being reopened end; return its version."""
    solved = await conversation.answer("Kiitos.", TicketState.SOLVED)
    conversation.harness.clock.move(days=30, seconds=1)
    return solved.ticket.version


async def test_a_solved_ticket_is_closed_by_time_once(conversation: Conversation) -> None:
    harness = conversation.harness
    schedule = JobSchedule(harness.pool, harness.clock, [], SUPPORT.due_rows)
    queued = "SELECT count(*) FROM chassis.pgqueuer WHERE entrypoint = 'close-ticket'"
    version = await solve(conversation)
    harness.clock.move(seconds=-1)
    await schedule.tick()
    assert await harness.pool.fetchval(queued) == 0
    harness.clock.move(seconds=1)
    await schedule.tick()
    assert await harness.pool.fetchval(queued) == 1
    await asyncio.gather(*(close(conversation) for _ in range(5)))
    closed = await conversation.now()
    assert (closed.state, closed.version) == (TicketState.CLOSED, version + 1)
    assert closed.reopenable_until is not None and closed.reopenable_until < harness.clock.now()
    last = (await harness.emitted_events(TicketChanged))[-1]
    assert (last.state, last.entry, last.version) == (TicketState.CLOSED, None, version + 1)
    await harness.pool.execute("DELETE FROM chassis.pgqueuer WHERE entrypoint = 'close-ticket'")
    await schedule.tick()
    assert await harness.pool.fetchval(queued) == 0


async def close(conversation: Conversation) -> None:
    async with conversation.harness.work() as tx:
        await close_ticket(tx, read_id("ticket", conversation.ticket.id))


async def test_a_ticket_that_was_reopened_meanwhile_is_not_closed(conversation: Conversation) -> None:
    version = await solve(conversation)
    api = conversation.harness.api(conversation.staff)
    reopening = ChangeTicketState(
        idempotency_key="1", ticket_id=conversation.ticket.id, version=version, state=TicketState.OPEN
    )
    _, reopened = await asyncio.gather(close(conversation), api.change_ticket_state(reopening))
    now = await conversation.now()
    if isinstance(reopened, TicketStateChanged):
        assert (now.state, now.version) == (TicketState.OPEN, version + 1), "the job has found it open"
    else:
        assert reopened == conflict(conversation.ticket.id, yours=version, now=version + 1)
        assert now.state is TicketState.CLOSED
    await api.change_ticket_state(msgspec.structs.replace(reopening, idempotency_key="2", version=now.version))
    await close(conversation)
    assert (await conversation.now()).state is TicketState.OPEN
    async with conversation.harness.work() as tx:
        await close_ticket(tx, new_uuid())
