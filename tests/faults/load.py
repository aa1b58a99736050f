"""The load: orders, reports and contact forms at a rate, each sent again until it is acknowledged.

Beside them a clerk imports small changes of customers, sites, containers and invoices, and a user queries figures: so
every process has something to do.
"""

import asyncio
import contextlib
import datetime as dt
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import msgspec

from tests.faults.record import AcknowledgedForm, AcknowledgedOrder, AcknowledgedReport, CommandRecord
from tests.support.gateway_client import GatewayClient
from tests.support.stack import RunningStack

RATE = 100.0
"""Commands a second."""
SHORT_RATE = 30.0
"""Commands a second where two stacks share a machine."""

_WORKERS = 24
_RETRYABLE_CODES = {
    "UNAVAILABLE",
    "NOT_READY_YET",
    "TIMED_OUT",
    "DEADLINE_EXCEEDED",
    "OVERLOADED",
    "UNAUTHENTICATED",
}


class OrderableDay(msgspec.Struct, frozen=True):
    """A day on which a pickup can be ordered."""

    site_id: str
    agreement_id: str
    day: str


class CommandRejected(AssertionError):
    """Refusal of a command that had to be accepted."""


class LoadClients:
    """Clients that send the load, one a user, which sign in again by themselves."""

    def __init__(self, stack: RunningStack) -> None:
        self.manager, self.driver, self.staff = (GatewayClient(stack.gateway) for _ in range(3))
        self._sign_ins: dict[GatewayClient, Callable[[], Awaitable[None]]] = {
            self.manager: lambda: self.manager.sign_in(*stack.sign_in_of("property manager")),
            self.driver: lambda: self.driver.sign_in_as_partner(*stack.sign_in_of("drivers")),
            self.staff: lambda: self.staff.sign_in(*stack.sign_in_of("staff")),
        }
        self._locks = {client: asyncio.Lock() for client in self._sign_ins}

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, stack: RunningStack) -> AsyncIterator["LoadClients"]:
        clients = cls(stack)
        async with clients.manager, clients.driver, clients.staff:
            for client in clients._sign_ins:
                await clients.sign_in(client, client.token)
            yield clients

    async def sign_in(self, client: GatewayClient, refused: str) -> None:
        """Replace a token that was refused, once for all tasks that share it."""
        async with self._locks[client]:
            while client.token == refused:
                with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, AssertionError):
                    await self._sign_ins[client]()
                    return
                client.token = refused
                await asyncio.sleep(0.2)

    async def send_until_acknowledged(
        self, client: GatewayClient, document: str, command: dict[str, Any]
    ) -> dict[str, Any]:
        """Send the same command until it is acknowledged, as a client with idempotency keys may."""
        while True:
            token = client.token
            with contextlib.suppress(aiohttp.ClientError, OSError, ValueError):
                response = await client.post(document, input=command)
                result = next(iter((response.get("data") or {}).values()), None)
                if result is not None:
                    if result["__typename"] != "Refusal":
                        return dict(result)
                    if not result["problems"][0]["retryable"]:
                        raise CommandRejected(command, result)
                codes = {error.get("extensions", {}).get("code") for error in response.get("errors", [])}
                if not codes <= _RETRYABLE_CODES:
                    raise CommandRejected(command, response)
                if "UNAUTHENTICATED" in codes:
                    await self.sign_in(client, token)
            await asyncio.sleep(0.1)


class Load:
    """Load by several workers on one stock of orderable days. Acknowledged commands are added to the record."""

    def __init__(self, clients: LoadClients, record: CommandRecord, stock: deque[OrderableDay], rate: float) -> None:
        self._clients = clients
        self._record = record
        self._stock = stock
        self._gap = 1 / rate
        self._next = time.monotonic()
        self.started_at = time.monotonic()
        self.sent = 0

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Send commands for the length of a block; finish those in flight at its end."""
        stop = asyncio.Event()
        self.started_at = self._next = time.monotonic()
        before = len(self._record)
        tasks = [
            *(asyncio.create_task(self._worker(stop)) for _ in range(_WORKERS)),
            asyncio.create_task(self._importer(stop)),
            asyncio.create_task(self._poller(stop)),
        ]
        running = asyncio.gather(*tasks)
        try:
            yield
        finally:
            stop.set()
            self.seconds = time.monotonic() - self.started_at
            async with asyncio.timeout(120):
                await running
            self.sent = len(self._record) - before

    @property
    def per_second(self) -> float:
        """Acknowledged commands a second, after the end of the load."""
        return self.sent / self.seconds

    async def _worker(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and self._stock:
            offer = self._stock.popleft()
            key = f"{offer.agreement_id}/{offer.day}"
            order_id = await self._order(key, offer)
            grams = 1_000 + len(self._record.orders) % 7
            await self._report(f"{key}/1", order_id, grams)
            await self._send_form(key, offer.site_id)
            if grams % 3 == 0:  # a corrected weight
                await self._report(f"{key}/2", order_id, grams + 500)

    async def _order(self, key: str, offer: OrderableDay) -> str:
        await self._pace()
        command = {"agreementId": offer.agreement_id, "date": offer.day, "idempotencyKey": key}
        response = await self._clients.send_until_acknowledged(self._clients.manager, ORDER, command)
        order_id = str(response["order"]["id"])
        self._record.add_order(AcknowledgedOrder(key, order_id, offer.site_id, offer.agreement_id, offer.day))
        return order_id

    async def _report(self, report_id: str, order_id: str, grams: int) -> None:
        await self._pace()
        at = now()
        report = {
            "reportId": report_id,
            "kind": "EMPTIED",
            "at": format_instant(at),
            "orderId": order_id,
            "grams": grams,
        }
        response = await self._clients.send_until_acknowledged(self._clients.driver, REPORT, {"reports": [report]})
        if not response["outcomes"][0]["accepted"]:
            raise CommandRejected(report, response)
        self._record.add_report(AcknowledgedReport(report_id, order_id, at, grams))

    async def _send_form(self, key: str, site_id: str) -> None:
        await self._pace()
        form = {"siteId": site_id, "topic": "OTHER", "message": key, "idempotencyKey": key}
        response = await self._clients.send_until_acknowledged(self._clients.manager, FORM, form)
        self._record.add_form(AcknowledgedForm(key, response["ticket"]["id"], site_id))

    async def _pace(self) -> None:
        """Wait for the next turn at the wanted rate; turns missed by more than a second are skipped."""
        present = time.monotonic()
        self._next = max(self._next + self._gap, present - 1.0)
        if self._next > present:
            await asyncio.sleep(self._next - present)

    async def _importer(self, stop: asyncio.Event) -> None:
        numbers = itertools.count(int(time.time()))
        while not stop.is_set():
            for kind, text in changes(next(numbers)):
                with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, CommandRejected, TimeoutError):
                    async with asyncio.timeout(5):
                        staged = await self._clients.staff.upload(kind, text)
                        await self._clients.send_until_acknowledged(self._clients.staff, START, {"id": staged})
                await asyncio.sleep(0.2)

    async def _poller(self, stop: asyncio.Event) -> None:
        today = now().date()
        while not stop.is_set():
            for document in (SITES, VOLUMES, ME):
                with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
                    token = self._clients.manager.token
                    async with asyncio.timeout(5):
                        response = await self._clients.manager.post(document, since=str(today), until=str(today))
                    if "UNAUTHENTICATED" in str(response.get("errors")):
                        await self._clients.sign_in(self._clients.manager, token)
                await asyncio.sleep(0.2)


def changes(number: int) -> Sequence[tuple[str, str]]:
    """Return small files of an ERP: a customer, an invoice, a site and a container that differ every time."""
    return (
        ("organisations", f"customer_number,name,kind,business_id\n62-0009000-00,Ab Prov {number},BUSINESS,\n"),
        (
            "invoices",
            "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n"
            f"{number},62-0000100-00,2025-11-30,2025-12-17,VUOSI 2025,{number % 100_000},255,EUR\n",
        ),
        (
            "sites",
            "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to,"
            "contact_name,contact_phone,contact_email\n"
            f"9001,62-0000100-00,Koetie 1,45100,KOUVOLA,KOUVOLA,KESKUSTA,BUSINESS,{number % 1000},KYMI OY,,,\n",
        ),
        (
            "containers",
            f"container_number,site_number,fraction,litres,count\nC90001,2001,GLASS,{number % 1000 + 1},1\n",
        ),
    )


async def read_stock(clients: LoadClients) -> deque[OrderableDay]:
    """Return all pickups that the property manager can order, the soonest last, mixed over sites."""
    stock: list[OrderableDay] = []
    after: str | None = None
    while True:
        page = await clients.manager.execute(PORTFOLIO, after=after)
        stock += [
            OrderableDay(edge["node"]["id"], agreement["node"]["id"], offer["date"])
            for edge in page["edges"]
            for agreement in edge["node"]["agreements"]["edges"]
            for offer in agreement["node"]["extraPickupOffers"].get("offers") or []
        ]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return deque(sorted(stock, key=lambda offer: (offer.day, hash(offer.agreement_id)), reverse=True))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def format_instant(at: dt.datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


PORTFOLIO = """
    query ($after: String) {
      sites(first: 10, after: $after) {
        pageInfo { hasNextPage endCursor }
        edges { node { id agreements(first: 200) { edges { node {
          id extraPickupOffers { ... on Offers { offers { date } } }
        } } } } }
      }
    }
"""
ORDER = """
    mutation ($input: OrderExtraPickupInput!) {
      orderExtraPickup(input: $input) {
        __typename ... on Ordered { order { id } } ... on Refusal { problems { code retryable } }
      }
    }
"""
REPORT = """
    mutation ($input: ReportPickupsInput!) {
      reportPickups(input: $input) {
        __typename
        ... on PickupsReported { outcomes { accepted refusal { problems { code retryable } } } }
        ... on Refusal { problems { code retryable } }
      }
    }
"""
FORM = """
    mutation ($input: SendContactFormInput!) {
      sendContactForm(input: $input) {
        __typename ... on ContactFormReceived { ticket { id } } ... on Refusal { problems { code retryable } }
      }
    }
"""
START = """
    mutation ($input: StartImportInput!) {
      startImport(input: $input) { __typename ... on Refusal { problems { code retryable } } }
    }
"""
SITES = "{ sites(first: 5) { edges { node { id openOrderCount } } } }"
VOLUMES = """
    query ($since: Date!, $until: Date!) { volumes(since: $since, until: $until) { ... on Volumes { grams } } }
"""
ME = "{ me { id } }"
