"""Permissions at support."""

import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from services.chassis.db.postgres import Pool
from services.chassis.ids import read_id, write_id
from services.contracts.support.messages import MessageKind
from services.support.app import SUPPORT
from services.support.domain.limits import digest_of
from services.support.http.unsubscribe_links import SignedUnsubscribeLinks
from tests.component.permission.callers import ORG_A, ORG_B, SITE_A, SITE_A2, SITE_B, SUBJECTS, CallerCase
from tests.component.permission.conftest import WalkPermissions
from tests.component.permission.walk import Example, Ids
from tests.component.permission.walked_service import WalkedService
from tests.support.service_harness import SERVICE_TOKEN

TICKET, TICKET_B = (write_id("ticket", uuid.UUID(int=number << 64 | 7 << 76)) for number in (0x71C, 0x71D))
ENTRY, ENTRY_B = (write_id("entry", read_id("ticket", ticket)) for ticket in (TICKET, TICKET_B))
HELD = write_id("held", uuid.UUID(int=0x4E1D << 64 | 7 << 76))
ASSIGNEE = write_id("user", uuid.UUID(int=0xA5516 << 64 | 7 << 76))
FILES = {
    who: write_id("file", uuid.UUID(int=(0xF11E00 + number) << 64 | 7 << 76)) for number, who in enumerate(SUBJECTS)
}
"""An uploaded file of each caller."""
TEXT = {"topic": "OTHER", "message": "hei"}


def contact_form(who: CallerCase, ids: Ids) -> dict[str, Any]:
    subject = {"pickupId": ids["pickup"], "orderId": None, "agreementId": None}
    named = {"siteId": ids["site"], "subject": subject, "attachmentIds": [file_of(who)]}
    return {"command": {"idempotencyKey": who.name, **TEXT, **named}}


def logged_contact(who: CallerCase, ids: Ids) -> dict[str, Any]:
    subject = {"pickupId": None, "orderId": ids["order"], "agreementId": None}
    named = {"siteId": ids["site"], "subject": subject}
    return {"command": {"idempotencyKey": who.name, **TEXT, **named, "channel": "PHONE", "identifiedBy": "nimi"}}


def file_of(who: CallerCase) -> str:
    return FILES.get(who, an_unknown_file)


an_unknown_file = write_id("file", uuid.UUID(int=0xF11EFF << 64 | 7 << 76))


def entry(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {
        "command": {
            "idempotencyKey": who.name,
            "ticketId": ids["ticket"],
            "text": "hei",
            "attachmentIds": [file_of(who)],
        }
    }


def answer(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"command": {**entry(who, ids)["command"], "version": 1}}


def change(**fields: object) -> Callable[[CallerCase, Ids], dict[str, Any]]:
    return lambda who, ids: {"command": {"idempotencyKey": who.name, "ticketId": ids["ticket"], "version": 1, **fields}}


def placing(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return change(siteId=ids["site"])(who, ids)


CHANGED = ["TicketEntryAdded", "TicketStateChanged", "TicketAssigned", "TicketPlaced", "Conflict"]
"""The answers to a caller who may change a ticket: the first one changes its version."""


def choice(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"command": {"idempotencyKey": who.name, "choices": [{"kind": "DAY_CHANGED", "enabled": False}]}}


def resume(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"command": {"idempotencyKey": who.name}}


def lift(who: CallerCase, ids: Ids) -> dict[str, Any]:
    return {"command": {"idempotencyKey": who.name, "id": LIFTED}}


SUPPRESSION, LIFTED = (write_id("suppression", uuid.UUID(int=number << 64 | 7 << 76)) for number in (0x5E, 0x5F))
CONTACT = b'[{"userId":"user_1","username":"aino","email":"aino@example.fi","language":"fi"}]'
"""The answer of identity about every caller."""
PEOPLE_CASES = list(CallerCase)
"""Everyone has choices of their own."""
LINK = SignedUnsubscribeLinks(b"", "https://kierto.example").link("user_1", MessageKind.DAY_CHANGED) or ""
"""A link by the key of a walked service, which has no settings."""

EXAMPLES = {
    "sendContactForm": Example(arguments=contact_form, shows=["ContactFormReceived"]),
    "sendPublicForm": Example(
        arguments=lambda who, ids: {
            "command": {"idempotencyKey": who.name, **TEXT, "name": "A", "phone": "+358401234567"}
        },
        shows=["PublicFormReceived"],
    ),
    "messageChoices": Example(arguments=lambda who, ids: {}, shows=["ORDER_CONFIRMED"], seen_by=PEOPLE_CASES),
    "chooseMessages": Example(arguments=choice, shows=["MessagesChosen"], seen_by=PEOPLE_CASES),
    "ownMailSuppression": Example(arguments=lambda who, ids: {}, shows=["ADDRESS_FAILED"], seen_by=PEOPLE_CASES),
    "resumeMail": Example(arguments=resume, shows=["MailResumed"], seen_by=PEOPLE_CASES),
    "mailSuppressions": Example(arguments=lambda who, ids: {"page": {}}, shows=[SUPPRESSION]),
    "mailSuppressionsById": Example(arguments=lambda who, ids: {"ids": [SUPPRESSION]}, shows=[SUPPRESSION]),
    "liftMailSuppression": Example(arguments=lift, shows=["MailSuppressionLifted"]),
    "subscription": Example(arguments=lambda who, ids: {"token": LINK.rpartition("/")[2]}, shows=["Subscription"]),
    "unsubscribe": Example(arguments=lambda who, ids: {"token": LINK.rpartition("/")[2]}, shows=["Subscription"]),
    "heldMessages": Example(arguments=lambda who, ids: {"page": {}}, shows=[HELD]),
    "heldMessagesById": Example(arguments=lambda who, ids: {"ids": [HELD]}, shows=[HELD]),
    "decideHeldMessages": Example(
        arguments=lambda who, ids: {"command": {"idempotencyKey": who.name, "ids": [HELD], "send": False}},
        shows=["HeldMessagesDecided"],
    ),
    "logContact": Example(arguments=logged_contact, shows=["ContactLogged"]),
    "replyToTicket": Example(arguments=entry, shows=CHANGED),
    "answerTicket": Example(arguments=answer, shows=CHANGED),
    "addTicketNote": Example(arguments=entry, shows=CHANGED),
    "assignTicket": Example(arguments=change(assigneeId=None), shows=CHANGED),
    "placeTicket": Example(arguments=placing, shows=CHANGED),
    "changeTicketState": Example(arguments=change(state="SOLVED"), shows=CHANGED),
    "tickets": Example(arguments=lambda who, ids: {"page": {}}, shows=[TICKET]),
    "ticketsById": Example(arguments=lambda who, ids: {"ids": [ids["ticket"]]}, shows=[TICKET]),
    "threadsOfTickets": Example(arguments=lambda who, ids: {"ticketIds": [ids["ticket"]], "page": {}}, shows=[ENTRY]),
    "ticketEntriesById": Example(arguments=lambda who, ids: {"ids": [ids["entry"]]}, shows=[ENTRY]),
    "ticketContact": Example(arguments=lambda who, ids: {"ticketId": ids["ticket"]}, shows=["+358401234567"]),
}


async def insert_rows(pool: Pool) -> None:
    """Insert the sites, a ticket of each of A and B with its contact, and a file of each caller."""
    for organisation, sites in {ORG_A: (SITE_A, SITE_A2), ORG_B: (SITE_B,)}.items():
        for site in sites:
            ids = read_id("site", site), read_id("org", organisation)
            await pool.execute("INSERT INTO sites VALUES ($1, $2, $3, 1)", *ids, f"number of {site}")
    for ticket, number, organisation, site in ((TICKET, 1, ORG_A, SITE_A), (TICKET_B, 2, ORG_B, SITE_B)):
        ticket_id = read_id("ticket", ticket)
        await pool.execute(
            "INSERT INTO tickets (id, number, organisation_id, site_id, site_number, topic, channel, state,"
            " contact_preference, assigned_to, opened_at, updated_at, version)"
            " VALUES ($1, $2, $3, $4, 'A', 'OTHER', 'PHONE', 'NEW', 'NONE', $5, '2026-03-03 08:00Z',"
            " '2026-03-03 08:00Z', 1)",
            ticket_id,
            f"T-2025-{number:06}",
            read_id("org", organisation),
            read_id("site", site),
            read_id("user", ASSIGNEE) if ticket == TICKET else None,
        )
        await pool.execute(
            "INSERT INTO ticket_entries (id, ticket_id, kind, channel, text, at)"
            " VALUES ($1, $1, 'MESSAGE', 'PHONE', 'hei', '2026-03-03 08:00Z')",
            ticket_id,
        )
        await pool.execute(
            "INSERT INTO ticket_contacts (ticket_id, name, phone) VALUES ($1, 'Aino', '+358401234567')", ticket_id
        )
    await pool.execute(
        "INSERT INTO message_causes (id, kind, key, subject, at, first_due_at, state)"
        " VALUES ($1, 'DAY_CHANGED', 'A', $1, '2026-03-03 08:00Z', '2026-03-03 08:00Z', 'HELD')",
        read_id("held", HELD),
    )
    await pool.execute(
        "INSERT INTO held_messages (id, kind, subject_id, organisation_id, site_id, caused_at, held_at, state)"
        " VALUES ($1, 'DAY_CHANGED', 'pickup_1', $2, $3, '2026-03-03 08:00Z', '2026-03-03 08:00Z', 'HELD')",
        *(read_id(prefix, text) for prefix, text in (("held", HELD), ("org", ORG_A), ("site", SITE_A))),
    )
    for suppression, address in ((SUPPRESSION, "aino@example.fi"), (LIFTED, "eero@example.fi")):
        await pool.execute(
            "INSERT INTO mail_suppressions (id, address, recipient, reason, status, since)"
            " VALUES ($1, $2, $3, 'ADDRESS_FAILED', '5.1.1', '2026-03-03 08:00Z')",
            read_id("suppression", suppression),
            digest_of(address),
            SITE_B,
        )
    for who, file in FILES.items():
        await pool.execute(
            "INSERT INTO chassis.files (id, owner, name, media_type, bytes, sha256)"
            " VALUES ($1, $2, 'kuva.png', 'image/png', 1, sha256('kuva'))",
            read_id("file", file),
            SUBJECTS[who],
        )


WALKED = WalkedService(
    blueprint=SUPPORT,
    insert_rows=insert_rows,
    examples=EXAMPLES,
    own={
        "ticket": TICKET,
        "entry": ENTRY,
        "actor": ASSIGNEE,
        **{
            prefix: write_id(prefix, uuid.UUID(int=0x0E << 64 | 7 << 76)) for prefix in ("pickup", "order", "agreement")
        },
    },
    responses={
        "identity": {"clientToken": SERVICE_TOKEN, "contacts": CONTACT},
        "orders": {"sitesOfThings": msgspec.json.encode([SITE_A])},
    },
    foreign=[TICKET_B, ENTRY_B, SITE_B, ORG_B],
)


async def test_the_permission_walk(walk_permissions: WalkPermissions) -> None:
    assert await walk_permissions(WALKED) == []
