"""Test of every example of the gateway, on the demonstration data, as the kind of caller that it is for.

The same request of a stranger shows nothing of it: the permission walk of the services, once more through the gateway.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from services.chassis.rpc.signature import signatures
from services.contracts.bulk_operations import BulkOperationState
from services.contracts.imports import Importing
from tests.snapshots import CONTRACTS
from tests.support.examples import fill_gaps, gaps
from tests.support.gateway_client import GatewayClient
from tests.support.polling import until
from tests.support.servers import ROOT
from tests.support.stack import RunningStack

Example = dict[str, Any]
AINO = "aino@example.fi"
KAISA = "kaisa@example.fi"
CODE = re.compile(r"^(?:Koodi|Code):\r?\n(\S+)", re.MULTILINE)
RULES = ROOT / "deploy" / "local" / "demo" / "rules.csv"

OWNED_ID = re.compile(
    r"\b(?:org|site|container|agreement|order|pickup|ticket|entry|partner|suppression|import_[a-z]+)_[0-9a-z]{26}\b"
)
"""An id of a thing that belongs to an organisation or to the operator."""
REACHED = """
    {
      me { memberships { organisation { id } } }
      sites(first: 200) {
        edges { node { id containers { id } agreements(first: 5) { edges { node { id } } } nextPickup { id } } }
      }
      orders(first: 200) { edges { node { id } } }
      tickets(first: 200) { edges { node { id thread(first: 5) { edges { node { id } } } } } }
    }
"""
"""All that a caller reaches."""
OPERATORS_ID = re.compile(r"\b(?:article|partner)_[0-9a-z]{26}\b")
KNOWN_ARTICLE = "{ sites { edges { node { agreements { edges { node { article { id } } } } } } } }"
KNOWN_PARTNER = "{ partners { edges { node { id organisations { edges { node { id } } } } } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
UNREACHABLE = {
    "Identity.accessOf": "services call it for their copies of access",
    "Identity.contacts": "support calls it for the recipient of a mail",
    "Support.heldMessagesById": "nothing is held in the demonstration",
    "Sites.siteContacts": "support calls it for customers without a user",
    "Support.subscription": "a link in a mail leads to it (test_one_pickup)",
    "Support.unsubscribe": "a link in a mail leads to it (test_one_pickup)",
    "Orders.sitesOfThings": "support calls it for the subject of a ticket",
    "Orders.orderSummaries": "support calls it for a message about an order",
    "Orders.pickupSummaries": "support calls it for a message about a pickup",
    "Identity.publicKeys": "the gateway calls it for itself, when it starts",
    "Identity.signOutWith": "a browser's session calls it (test_browser_session)",
}
"""The operations that no example causes, with the reason."""


class ExampleCallers:
    """A caller of each kind, and the values to copy from one response into the next example."""

    def __init__(self, clients: dict[str, GatewayClient], examples: list[Example], stack: RunningStack) -> None:
        self.clients = clients
        self.stack = stack
        self.examples = {example["name"]: example for example in examples}
        self.by_hand: dict[str, str] = {}

    def client_for(self, example: Example) -> GatewayClient:
        if example["for"] == "partner":
            return self.clients["drivers" if "pickups:report" in example["scopes"] else "planning"]
        return self.clients[example["for"]]

    async def run(self, name: str, **changes: str) -> dict[str, Any]:
        """Execute an example, with some fields of its input changed, and return its data."""
        example = self.examples[name]
        client = self.client_for(example)
        variables = await self.variables(example)
        if changes:
            variables["input"] |= changes
        response = await client.post(example["query"], **variables)
        assert "errors" not in response, response["errors"]
        await self._check_stranger(example, variables, response)
        return dict(response["data"])

    async def _check_stranger(self, example: Example, variables: dict[str, Any], response: dict[str, Any]) -> None:
        """Check that the same request of a customer of another organisation shows nothing of a response."""
        stranger = self.clients["admin" if example["for"] == "customer" else "customer"]
        shown = owned_ids(await stranger.post(example["query"], **variables)) & owned_ids(response)
        assert shown <= owned_ids(await stranger.post(REACHED)), "a stranger sees it"

    async def variables(self, example: Example) -> dict[str, Any]:
        """Return the variables of an example, with its gaps filled."""
        response = await self.client_for(example).post(example["find"]) if example["find"] else {}
        assert "errors" not in response, response["errors"]
        variables = fill_gaps(example["variables"], response.get("data"), self.by_hand)
        assert gaps(variables) == set(), "gaps that nothing fills"
        return dict(variables)

    async def after(self, name: str, data: dict[str, Any]) -> None:
        """Do the steps of a user between this example and the next."""
        match name:
            case "register":
                variables = self.examples[name]["variables"]["input"]
                await self.clients["customer"].sign_in(variables["username"], variables["password"])
            case "public-form":
                # The mailbox knows no such address: the receipt comes back.
                await self.run(name, email="nobody@bounce.invalid")
                staff, listed = self.clients["staff"], self.examples["mail-suppressions"]["query"]
                await until(lambda: staff.execute(listed), lambda page: page["totalCount"] == 1)
            case "mail-suppressions":
                found = await self.find_nodes(data["mailSuppressions"], "staff")
                assert "errors" in await self.clients["customer"].post(NODES, ids=found)
            case "organisation-members":
                found = await self.find_nodes(data["organisationMembers"], "admin")
                assert await self.clients["customer"].execute(NODES, ids=found) == [None] * len(found)
            case "invitations":
                found = await self.find_nodes(data["invitations"], "admin")
                assert await self.clients["customer"].execute(NODES, ids=found) == [None] * len(found)
            case "resend-verification":
                self.by_hand["verification"] = await self.code_for(AINO, "Vahvista sähköpostiosoitteesi", mails=2)
            case "request-password-reset":
                # The stranger's request was about the same account; only the last link is valid.
                await self.code_for(AINO, "Valitse uusi salasana", mails=2)
                await self.clients["customer"].post(self.examples[name]["query"], **self.examples[name]["variables"])
                self.by_hand["reset"] = await self.code_for(AINO, "Valitse uusi salasana", mails=3)
            case "reset-password":
                variables = self.examples[name]["variables"]["input"]
                await self.clients["customer"].sign_in(AINO, variables["password"])
            case "change-email":
                new_email = self.examples[name]["variables"]["input"]["email"]
                self.by_hand["confirmation"] = await self.code_for(AINO, "Your e-mail address is to change")
                self.by_hand["withdrawal"] = await self.code_for(new_email, "Confirm your new e-mail address")
            case "withdraw-email-change":
                await self.lock("Aino Kanerva")
                self.by_hand["unlock"] = await self.code_for(AINO, "Many failed sign-ins")
            case "unlock":
                await self.run("change-email")  # for which staff vouch
                await self.run("invite-members")  # for a link that the customer accepts
                self.by_hand["invitation"] = await self.code_for(KAISA, "You are invited")
            case "accept-invitation":
                member = data["acceptInvitation"]["member"]["id"]
                variables = {"input": {"idempotencyKey": "accepted", "id": member, "version": 1}}
                await self.clients["admin"].execute(self.examples["end-membership"]["query"], **variables)
            case "invite-members":
                self.by_hand["invitation"] = await self.code_for(KAISA, "You are invited", mails=2)
            case "resend-invitation":
                self.by_hand["invitation"] = await self.code_for(KAISA, "You are invited", mails=3)
            case "end-membership":
                await self.run("invite-members")  # for an invitation to withdraw
            case "create-partner":
                self.by_hand["partner"] = data["createPartner"]["partner"]["id"]
            case "revoke-partner":
                self.by_hand["import"] = await self.clients["staff"].upload("rules", RULES.read_text(encoding="utf-8"))
            case "import-status":
                url = self.clients["staff"].url + data["import"]["file"]["url"]
                async with aiohttp.ClientSession() as anyone, anyone.get(url) as response:
                    assert (response.status, await response.read()) == (200, RULES.read_bytes())
                # The next examples watch and cancel an import that has not ended.
                self.by_hand["import"] = await self.clients["staff"].upload("rules", RULES.read_text(encoding="utf-8"))
            case "orders-to-drive":
                self.by_hand["order"] = data["orders"]["edges"][0]["node"]["id"]

    async def find_nodes(self, page: dict[str, Any], reader: str) -> list[str]:
        """Find the nodes of a page by their ids, which are returned."""
        ids = [edge["node"]["id"] for edge in page["edges"]]
        assert ids
        assert await self.clients[reader].execute(NODES, ids=ids) == [{"id": one} for one in ids]
        return ids

    async def code_for(self, recipient: str, subject: str, *, mails: int = 1) -> str:
        """Return the code in the newest of so many mails with this subject."""

        async def received() -> list[str]:
            found = await asyncio.to_thread(self.stack.mails, recipient)
            return [str(mail["text"]) for mail in found if mail["subject"] == subject]

        texts = await until(received, lambda texts: len(texts) >= mails)
        code = CODE.search(texts[0])
        assert code is not None, texts[0]
        return code[1]

    async def lock(self, username: str) -> None:
        """Fail to sign in until the account makes unknown devices wait."""
        document = "mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }"
        for _ in range(10):
            await self.clients["customer"].post(document, input={"username": username, "password": "a wrong one"})


@pytest.fixture
async def example_callers(demonstration: RunningStack) -> AsyncIterator[ExampleCallers]:
    async with contextlib.AsyncExitStack() as opened, aiohttp.ClientSession() as anonymous:
        async with anonymous.get(f"{demonstration.gateway}/graphql/examples.json") as response:
            examples = await response.json()
        names = ("customer", "admin", "staff", "planning", "drivers")
        clients = {name: await opened.enter_async_context(GatewayClient(demonstration.gateway, "en")) for name in names}
        await clients["admin"].sign_in(*demonstration.sign_in_of("property manager"))
        await clients["staff"].sign_in(*demonstration.sign_in_of("staff"))
        for name in ("planning", "drivers"):
            await clients[name].sign_in_as_partner(*demonstration.sign_in_of(name))
        yield ExampleCallers(clients, examples, demonstration)


async def test_every_example_works(example_callers: ExampleCallers, demonstration: RunningStack) -> None:
    failures = {}
    for name, example in example_callers.examples.items():
        try:
            if example["query"].startswith("subscription"):
                check = check_order_subscription if "orderEvents" in example["query"] else check_progress_subscription
                await check(example_callers, example)
                continue
            data = await example_callers.run(name)
            assert None not in data.values(), data
            assert not has_refusal(data), data
            await example_callers.after(name, data)
        except AssertionError as error:
            failures[name] = str(error)
    assert failures == {}
    assert len(example_callers.examples) > 20
    await check_nodes(example_callers.clients)
    await end_session(example_callers.clients["customer"])
    operations = {operation_name(contract, name) for contract in CONTRACTS for name in signatures(contract)}

    async def uncalled() -> set[str]:
        return operations - called_operations(demonstration) - UNREACHABLE.keys()

    # The last lines of a log are written a little later.
    await until(uncalled, lambda names: not names, within=30, every=0.2)


async def check_nodes(clients: dict[str, GatewayClient]) -> None:
    """Check that a customer finds its things by their ids, and that another customer finds none of them."""
    ids = sorted(owned_ids(await clients["customer"].post(REACHED)))
    assert {one.partition("_")[0] for one in ids} >= {"site", "container", "agreement", "order", "ticket", "entry"}
    ids = [one for one in ids if not one.startswith("pickup_")]
    assert await clients["customer"].execute(NODES, ids=ids) == [{"id": one} for one in ids]
    assert await clients["admin"].execute(NODES, ids=ids) == [None] * len(ids)
    for name, known in (("customer", KNOWN_ARTICLE), ("staff", KNOWN_PARTNER)):
        ids = sorted(set(OPERATORS_ID.findall(json.dumps(await clients[name].post(known)))))
        assert ids
        assert await clients[name].execute(NODES, ids=ids) == [{"id": one} for one in ids]


async def end_session(client: GatewayClient) -> None:
    """Continue a session, and end it."""
    document = "mutation ($input: RefreshInput!) { refresh(input: $input) { ... on SignedIn { accessToken } } }"
    refreshed = await client.execute(document, input={"refreshToken": client.refresh_token})
    client.token = refreshed["accessToken"]
    assert await client.execute("mutation { signOut { __typename } }") == {"__typename": "SignedOut"}


def operation_name(contract: type, name: str) -> str:
    """Return the name of an operation; those on imports are the same in all services."""
    return name if name in signatures(Importing) else f"{contract.__name__}.{name}"


def called_operations(stack: RunningStack) -> set[str]:
    """Return the operations that services have answered."""
    return {
        operation_name(contract, str(entry["operation"]))
        for contract in CONTRACTS
        for entry in stack.log(f"{contract.__name__.lower()}-api")
        if entry.get("event") == "request completed"
    }


async def check_order_subscription(example_callers: ExampleCallers, example: Example) -> None:
    """Check that a subscription starts with a checkpoint, and then receives an event."""
    async with subscribe(example_callers.client_for(example), example) as items:
        first = await anext(items)
        assert first["__typename"] == "Checkpoint", first
        ordered = (await example_callers.run("order-extra-pickup"))["orderExtraPickup"]
        item = await anext(items)
        assert item["__typename"] == "OrderPlacedEvent", item
        assert item.get("subject", ordered["order"]["id"]) == ordered["order"]["id"], item


async def check_progress_subscription(example_callers: ExampleCallers, example: Example) -> None:
    """Check that a subscription to progress starts with the present one."""
    variables = await example_callers.variables(example)
    async with subscribe(example_callers.client_for(example), {**example, "variables": variables}) as items:
        first = await anext(items)
        assert first is not None and first["state"] in BulkOperationState.__members__, first


@contextlib.asynccontextmanager
async def subscribe(client: GatewayClient, example: Example) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Iterate over the items of a subscription."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{client.url}/graphql", protocols=["graphql-transport-ws"]) as socket,
    ):
        await socket.send_json({"type": "connection_init", "payload": {"Authorization": f"Bearer {client.token}"}})
        assert (await socket.receive_json(timeout=60))["type"] == "connection_ack"
        payload = {"query": example["query"], "variables": example["variables"]}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})

        async def items() -> AsyncIterator[dict[str, Any]]:
            while True:
                message = await socket.receive_json(timeout=60)
                assert message["type"] == "next" and "errors" not in message["payload"], message
                (item,) = message["payload"]["data"].values()
                yield item

        yield items()


def owned_ids(response: dict[str, Any]) -> set[str]:
    """Return the ids in a response of things that belong to an organisation or to the operator."""
    return set(OWNED_ID.findall(json.dumps(response)))


def has_refusal(value: Any) -> bool:
    """Tell whether a response contains a refusal."""
    if isinstance(value, dict):
        return bool(value.get("problems")) or any(has_refusal(item) for item in value.values())
    return isinstance(value, list) and any(has_refusal(item) for item in value)
