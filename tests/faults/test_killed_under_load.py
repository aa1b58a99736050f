"""Under a load of orders, reports and contact forms, each kind of process is killed; then the record is compared.

The load writes down what was acknowledged. Afterwards: no acknowledged command without its effects, no effect twice.
"""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from tests.support.client import Client
from tests.support.partner import written
from tests.support.servers import ROOT
from tests.support.stack import RunningStack, new_stack
from tests.support.wait import until

KILLED = ("orders-api", "orders-relay", "stats-worker", "support-worker", "identity-api", "gateway")
SIGN_OF_WORK = {
    "orders-api": "orderExtraPickup",
    "orders-relay": "published",
    "stats-worker": "consumed",
    "support-worker": "mail sent",
    "identity-api": "answered",
    "gateway": "executed",
}
GRAMS = 1_000
TOGETHER = 4

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    made = new_stack()
    try:
        made.start(demo=True)
        yield made
    finally:
        made.stop()
        made.delete()


class Load:
    """Orders for a portfolio, reports each emptied, writes about each; keeps at it until each is acknowledged."""

    def __init__(self, stack: RunningStack, manager: Client, driver: Client) -> None:
        self._stack = stack
        self._manager = manager
        self._driver = driver
        self._wanted: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue()
        self.orders: dict[str, str] = {}
        self.reported: set[str] = set()
        self.written: set[str] = set()

    async def prepare(self) -> None:
        """Find what can be ordered."""
        page = await self._manager.ask(PORTFOLIO)
        for edge in page["edges"]:
            for agreement in edge["node"]["agreements"]["edges"]:
                for offer in agreement["node"]["extraPickupOffers"].get("offers") or []:
                    self._wanted.put_nowait((edge["node"]["id"], agreement["node"]["id"], offer["date"]))
        assert self._wanted.qsize() > 500, "the demonstration data offers too little"

    def last(self) -> tuple[str, str, str]:
        """Something that the load does not come to: site, agreement, day."""
        found = []
        while not self._wanted.empty():
            found.append(self._wanted.get_nowait())
        return found[-1]

    async def run(self, stop: asyncio.Event) -> None:
        """Several hands at work until told to stop or all is done."""
        await asyncio.gather(*(self._hand(stop) for _ in range(TOGETHER)))

    async def _hand(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and not self._wanted.empty():
            site, agreement, day = self._wanted.get_nowait()
            key = f"{agreement}/{day}"
            ordered = await self._insist(
                self._manager, ORDER, {"agreementId": agreement, "date": day, "idempotencyKey": key}
            )
            self.orders[key] = ordered["order"]["id"]
            report = {"reportId": key, "kind": "EMPTIED", "at": _now(), "orderId": self.orders[key], "grams": GRAMS}
            await self._insist(self._driver, REPORT, {"reports": [report]})
            self.reported.add(key)
            form = {"siteId": site, "topic": "OTHER", "message": key, "idempotencyKey": key}
            await self._insist(self._manager, FORM, form)
            self.written.add(key)

    async def _insist(self, client: Client, document: str, given: dict[str, Any]) -> dict[str, Any]:
        """Send the same command until it is acknowledged, as a client with idempotency keys may."""
        while True:
            with contextlib.suppress(aiohttp.ClientError, OSError, ValueError):
                answer = await client.post(document, input=given)
                result = next(iter((answer.get("data") or {}).values()), None)
                if result is not None:
                    assert result["__typename"] != "Refusal" or result["problems"][0]["retryable"], result
                    if result["__typename"] != "Refusal":
                        return dict(result)
                codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", [])}
                assert codes <= {"UNAVAILABLE", "NOT_READY_YET", "TIMED_OUT"}, answer
            await asyncio.sleep(0.1)


async def test_every_kind_of_process_is_killed_under_load(stack: RunningStack) -> None:
    manager_name, manager_password = stack.sign_in_of("property manager")
    async with (
        Client(stack.gateway) as manager,
        Client(stack.gateway) as driver,
        Client(stack.gateway) as staff,
    ):
        await manager.sign_in(manager_name, manager_password)
        await driver.sign_in_as_partner(*stack.sign_in_of("drivers"))
        await staff.sign_in(*stack.sign_in_of("staff"))
        await until(lambda: collected(staff), lambda pickups: pickups == past_pickups(), within=30)
        before, start = await volume(manager), (await staff.ask(EVENTS, after=None))["cursor"]
        load = Load(stack, manager, driver)
        await load.prepare()
        stop = asyncio.Event()
        working = asyncio.create_task(load.run(stop))
        for process in KILLED:
            await kill_at_work(stack, process, working)
        stop.set()
        await working

        assert len(load.orders) == len(load.reported) == len(load.written) >= len(KILLED)
        assert len(set(load.orders.values())) == len(load.orders)
        await check_orders(manager, load)
        await check_events(staff, start, load)
        grown = len(load.reported) * GRAMS
        await until(lambda: volume(manager), lambda grams: grams == before + grown)
        await check_mails(stack, load)


async def test_an_order_is_taken_while_the_broker_is_down(stack: RunningStack) -> None:
    async with Client(stack.gateway) as manager, Client(stack.gateway) as planner:
        await manager.sign_in(*stack.sign_in_of("property manager"))
        await planner.sign_in_as_partner(*stack.sign_in_of("planning"))
        load = Load(stack, manager, planner)
        await load.prepare()
        _, agreement, day = load.last()
        with followed(stack, planner.token) as notes:
            await until(lambda: asyncio.sleep(0, written(notes)))
            pid = stack.pid("kafka")
            os.kill(pid, signal.SIGSTOP)
            given = {"agreementId": agreement, "date": day, "idempotencyKey": "while the broker is down"}
            ordered = await manager.ask(ORDER, input=given)
            assert ordered["__typename"] == "Ordered", "the order is taken"
            stack.kill("kafka")
            order_id = ordered["order"]["id"]
            assert [item for item in written(notes) if item.get("subject") == order_id] == []

            async def of_the_order() -> list[str]:
                return [item["type"] for item in written(notes) if item.get("subject") == order_id]

            seen = await until(of_the_order, lambda types: len(types) >= 3, within=30)
            assert seen == ["orders.order.placed", "orders.order.moved", "orders.order.moved"]


async def test_a_malformed_event_is_set_aside_and_found_by_the_host_command(stack: RunningStack) -> None:
    broker = stack.ports.address("kafka")
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await until(lambda: asyncio.sleep(0, stack.ready("gateway")))
    await producer.start()
    await producer.send_and_wait("kierto.orders.events.v1", b"poison", key=b"nobody")
    await producer.stop()

    async def listed() -> str:
        return (await asyncio.to_thread(stack.kierto, "dead-letters", "list", "stats")).stdout

    line = (await until(listed, lambda text: "FAILED" in text)).splitlines()[0]
    number = line.split("\t")[0]
    shown = await asyncio.to_thread(stack.kierto, "dead-letters", "show", "stats", number)
    assert "poison" in shown.stdout
    assert "missing attributes" in shown.stdout
    replayed = await asyncio.to_thread(stack.kierto, "dead-letters", "replay", "stats", number)
    assert replayed.returncode == 1
    assert "failed again" in replayed.stderr
    assert number in await listed(), "what fails again stays"
    assert (await asyncio.to_thread(stack.kierto, "dead-letters", "show", "stats", "999999")).returncode == 2
    unknown = await asyncio.to_thread(stack.kierto, "dead-letters", "list", "accounting")
    assert unknown.returncode != 0
    assert "Traceback" not in unknown.stderr

    async with Client(stack.gateway) as manager, Client(stack.gateway) as driver:
        await manager.sign_in(*stack.sign_in_of("property manager"))
        await driver.sign_in_as_partner(*stack.sign_in_of("drivers"))
        load = Load(stack, manager, driver)
        await load.prepare()
        before = await volume(manager)
        stop = asyncio.Event()
        working = asyncio.create_task(load.run(stop))
        await until(lambda: asyncio.sleep(0, len(load.reported) >= 3))
        stop.set()
        await working
        grown = len(load.reported) * GRAMS
        await until(lambda: volume(manager), lambda grams: grams == before + grown)


@contextlib.contextmanager
def followed(stack: RunningStack, token: str) -> Iterator[Path]:
    """A partner's notes of the events since now."""
    notes = stack.home.root / "notes"
    url = f"{stack.gateway.replace('http', 'ws')}/graphql"
    process = subprocess.Popen([sys.executable, "-m", "tests.support.partner", url, token, str(notes)], cwd=ROOT)
    try:
        yield notes
    finally:
        process.kill()
        process.wait()


async def kill_at_work(stack: RunningStack, process: str, working: "asyncio.Task[None]") -> None:
    """Kill a process once its log shows that it is at work, and wait until it is back and at work again."""

    async def signs() -> int:
        assert not working.done(), "the load ended too early"
        lines = stack.log(process)
        return sum(SIGN_OF_WORK[process] in (line.get("event"), line.get("operation")) for line in lines)

    done, pid = await signs(), stack.pid(process)
    done = await until(signs, lambda now: now > done + 3)
    stack.kill(process)
    await until(lambda: asyncio.sleep(0, stack.restarted(process, pid)), within=30)
    events = [line["event"] for line in stack.log(process)]
    assert events.count("started") == events.count("stopped") + 2, "it ended without a goodbye and began again"
    await until(signs, lambda now: now > done + 3, within=30)


async def check_orders(manager: Client, load: Load) -> None:
    """Each acknowledged order is there once and completed, each step of its timeline once."""
    ids = list(load.orders.values())
    for start in range(0, len(ids), 100):
        some = ids[start : start + 100]
        nodes = await manager.ask(TIMELINES, ids=some)
        for node in nodes:
            assert [step["state"] for step in node["timeline"]] == ["RECEIVED", "CONFIRMED", "SCHEDULED", "COMPLETED"]
        assert [node["id"] for node in nodes] == some


async def check_events(staff: Client, start: str, load: Load) -> None:
    """The log holds each event of each order once, in order."""
    wanted = 5 * len(load.orders)  # placed, confirmed, scheduled, completed, and the pickup's outcome

    async def events() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = await staff.ask(EVENTS, after=start)
        while True:
            found += page["events"]
            if page["end"]:
                return found
            page = await staff.ask(EVENTS, after=page["cursor"])

    found = await until(events, lambda seen: len(seen) >= wanted)
    sequences = [event["sequence"] for event in found]
    assert sequences == sorted(set(sequences))
    assert len({event["id"] for event in found}) == len(found) == wanted
    per_order = Counter(msgspec.json.decode(event["data"])["orderId"] for event in found)
    assert per_order == Counter(dict.fromkeys(load.orders.values(), 5))


async def check_mails(stack: RunningStack, load: Load) -> None:
    """Each contact form has its receipt. A death between the server's yes and our mark may repeat one: as itself."""

    async def arrived() -> list[str]:
        mails = await asyncio.to_thread(stack.mails, "isannoitsija@example.fi")
        return [dict(mail["headers"])["Message-ID"] for mail in mails]

    # The mailbox lists the newest hundred; a letter that its process died with is taken again after half a minute.
    repeats = KILLED.count("support-worker")
    wanted = min(100 - repeats, len(load.written))
    message_ids = await until(arrived, lambda found: len(set(found)) >= wanted, within=60)
    assert len(set(message_ids)) <= len(load.written)
    assert len(message_ids) - len(set(message_ids)) <= repeats


async def volume(manager: Client) -> int:
    today = dt.datetime.now(dt.UTC).date()
    since, until_day = today - dt.timedelta(days=2), today + dt.timedelta(days=2)
    return int((await manager.ask(VOLUMES, since=str(since), until=str(until_day)))["grams"])


async def collected(staff: Client) -> int:
    """How many pickups stats knows of, over all customers and two years."""
    today = dt.datetime.now(dt.UTC).date()
    volumes = await staff.ask(VOLUMES, since=str(today - dt.timedelta(days=730)), until=str(today))
    return int(volumes["pickups"])


def past_pickups() -> int:
    """How many pickups the demonstration data has as emptied."""
    return (ROOT / "deploy" / "local" / "demo" / "pickups.csv").read_text(encoding="utf-8").count(",EMPTIED,")


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")


PORTFOLIO = """
    {
      sites(first: 120) { edges { node { id agreements(first: 2) { edges { node {
        id extraPickupOffers { ... on Offers { offers { date } } }
      } } } } } }
    }
"""
ORDER = """
    mutation ($input: OrderExtraPickupInput!) {
      orderExtraPickup(input: $input) {
        __typename ... on Ordered { order { id } } ... on Refusal { problems { code retryable } }
      }
    }
"""
TIMELINES = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { id timeline { state } } } }"
REPORT = """
    mutation ($input: ReportPickupsInput!) {
      reportPickups(input: $input) {
        __typename ... on PickupsReported { outcomes { accepted } } ... on Refusal { problems { code retryable } }
      }
    }
"""
FORM = """
    mutation ($input: SendContactFormInput!) {
      sendContactForm(input: $input) { __typename ... on Refusal { problems { code retryable } } }
    }
"""
EVENTS = """
    query ($after: String) {
      events(after: $after, first: 500) { ... on EventPage { cursor end events { id sequence type subject data } } }
    }
"""
VOLUMES = """
    query ($since: Date!, $until: Date!) { volumes(since: $since, until: $until) { ... on Volumes { grams pickups } } }
"""
