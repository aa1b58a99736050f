"""S1, S2, S5: a ticket from both sides with attachments, through the gateway and the mailbox."""

import asyncio
import io
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.stack import RunningStack

SITE = "query ($number: String!) { sites(first: 1, filter: {search: $number}) { edges { node { id siteNumber } } } }"
SEND = """
    mutation ($input: SendContactFormInput!) {
      sendContactForm(input: $input) {
        ... on ContactFormReceived { ticket { id number state } } ... on Refusal { problems { code path } }
      }
    }
"""
LOG = """
    mutation ($input: LogContactInput!) {
      logContact(input: $input) {
        ... on ContactLogged { ticket { id number version } } ... on Refusal { problems { code path } }
      }
    }
"""
TICKET = """
    query ($id: ID!) {
      node(id: $id) {
        ... on Ticket {
          state version assignee { __typename }
          thread(first: 50) { edges { node { kind text attachments { name url } } } }
        }
      }
    }
"""
TAKE = """
    mutation ($input: AssignTicketInput!) {
      assignTicket(input: $input) { ... on TicketAssigned { ticket { version state } } }
    }
"""
ANSWER = """
    mutation ($input: AnswerTicketInput!) {
      answerTicket(input: $input) {
        __typename ... on TicketEntryAdded { ticket { state } } ... on MutationResult { problems { code path } }
      }
    }
"""
REPLY = """
    mutation ($input: ReplyToTicketInput!) {
      replyToTicket(input: $input) { ... on TicketEntryAdded { ticket { state } } ... on Refusal { problems { code } } }
    }
"""
NOTE = """
    mutation ($input: AddTicketNoteInput!) {
      addTicketNote(input: $input) { ... on TicketEntryAdded { entry { kind } } }
    }
"""
INBOX = "query ($search: String!) { tickets(filter: {search: $search}) { edges { node { id } } } }"


@pytest.fixture
async def staff(demonstration: RunningStack) -> AsyncIterator[GatewayClient]:
    async with GatewayClient(demonstration.gateway) as client:
        await client.sign_in(*demonstration.sign_in_of("staff"))
        yield client


@pytest.fixture
async def manager(demonstration: RunningStack) -> AsyncIterator[GatewayClient]:
    async with GatewayClient(demonstration.gateway) as client:
        await client.sign_in(*demonstration.sign_in_of("property manager"))
        yield client


async def attach(client: GatewayClient, colour: str) -> str:
    """Upload a picture and return its id."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(picture, "PNG")
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "image/png"}
    url = f"{client.url}/files/support/attachment?name={colour}.png"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=picture.getvalue(), headers=headers) as response,
    ):
        uploaded = await response.json()
        assert response.status == 201, uploaded
    return str(uploaded["id"])


async def colour_of(client: GatewayClient, attachment: dict[str, Any]) -> tuple[int, ...]:
    """Download a picture, as a file that no browser shows in a page, and return the colour of its first pixel."""
    async with aiohttp.ClientSession() as session, session.get(client.url + attachment["url"]) as response:
        assert response.headers["Content-Disposition"].startswith("attachment")
        return tuple(Image.open(io.BytesIO(await response.read())).convert("RGB").getpixel((0, 0)))  # type: ignore[arg-type]


async def thread(client: GatewayClient, ticket_id: str) -> list[dict[str, Any]]:
    ticket = await client.execute(TICKET, id=ticket_id)
    return [edge["node"] for edge in ticket["thread"]["edges"]]


async def mail_about(stack: RunningStack, recipient: str, text: str) -> str:
    """Wait for one mail to a recipient with this text, and return it."""

    async def found() -> list[str]:
        mails = await asyncio.to_thread(stack.mails, recipient)
        return [mail["text"] for mail in mails if text in mail["text"]]

    (mail,) = await until(found, within=60)
    return mail


def command(**fields: object) -> dict[str, object]:
    return {"idempotencyKey": str(uuid.uuid4()), **fields}


async def test_a_customer_and_the_staff_write_to_each_other(
    demonstration: RunningStack, staff: GatewayClient, manager: GatewayClient
) -> None:
    code = f"kulku{uuid.uuid4().hex[:8]}"
    site = (await manager.execute(SITE, number="2003"))["edges"][0]["node"]
    sent = command(
        siteId=site["id"],
        topic="CONTAINER",
        message=f"Kansi rikki {code}",
        attachmentIds=[await attach(manager, "red")],
    )
    ticket = (await manager.execute(SEND, input=sent))["ticket"]
    assert ticket["state"] == "NEW"
    assert (await manager.execute(SEND, input=sent))["ticket"] == ticket, "the same form again"
    email = (await manager.execute("{ me { email } }"))["email"]
    assert ticket["number"] in await mail_about(demonstration, email, f"Kansi rikki {code}")

    found = await until(lambda: staff.execute(INBOX, search=code), lambda page: bool(page["edges"]))
    assert [edge["node"]["id"] for edge in found["edges"]] == [ticket["id"]]
    (message,) = await thread(staff, ticket["id"])
    assert await colour_of(staff, message["attachments"][0]) == (255, 0, 0)
    me = (await staff.execute("{ me { id } }"))["id"]
    taken = (await staff.execute(TAKE, input=command(ticketId=ticket["id"], version=1, assigneeId=me)))["ticket"]
    assert taken["state"] == "OPEN"
    await staff.execute(NOTE, input=command(ticketId=ticket["id"], text=f"Ei varastossa {code}"))
    answer = command(
        ticketId=ticket["id"],
        version=taken["version"],
        text=f"Uusi astia tulee {code}",
        state="WAITING_FOR_CUSTOMER",
        attachmentIds=[await attach(staff, "blue")],
    )
    assert (await staff.execute(ANSWER, input=answer))["ticket"]["state"] == "WAITING_FOR_CUSTOMER"
    stale = command(ticketId=ticket["id"], version=1, text="Myöhässä")
    assert (await staff.execute(ANSWER, input=stale))["__typename"] == "Conflict"

    assert ticket["number"] in await mail_about(demonstration, email, f"Uusi astia tulee {code}")
    seen = await thread(manager, ticket["id"])
    assert [entry["kind"] for entry in seen] == ["MESSAGE", "ANSWER"], "customers see no notes"
    assert await colour_of(manager, seen[1]["attachments"][0]) == (0, 0, 255)
    reply = command(ticketId=ticket["id"], text=f"Kiitos {code}")
    assert (await manager.execute(REPLY, input=reply))["ticket"]["state"] == "WAITING_FOR_US"
    assert [entry["kind"] for entry in await thread(staff, ticket["id"])] == ["MESSAGE", "NOTE", "ANSWER", "MESSAGE"]


async def test_a_customer_without_a_user_is_answered_at_the_sites_contact(
    demonstration: RunningStack, staff: GatewayClient
) -> None:
    code = f"puhelu{uuid.uuid4().hex[:8]}"
    site = (await staff.execute(SITE, number="1001"))["edges"][0]["node"]
    call = command(
        siteId=site["id"],
        topic="PICKUP",
        message=f"Astia tyhjentämättä {code}",
        channel="PHONE",
        identifiedBy="asiakasnumero ja osoite",
    )
    ticket = (await staff.execute(LOG, input=call))["ticket"]
    answer = command(
        ticketId=ticket["id"], version=ticket["version"], text=f"Tyhjennämme huomenna {code}", state="SOLVED"
    )
    assert (await staff.execute(ANSWER, input=answer))["ticket"]["state"] == "SOLVED"
    mail = await mail_about(demonstration, "mirja@example.fi", f"Tyhjennämme huomenna {code}")
    complete = (ticket["number"], "Aihe: Tyhjennys", "Kohteen numero: 1001")
    assert [one for one in complete if one not in mail] == [], "the mail is complete in itself"
