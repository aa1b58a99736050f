"""Test of one pickup, end to end, from outside: processes as ``make up`` starts them, on a date before Easter 2026."""

import asyncio
import contextlib
import datetime as dt
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.export_upload import resolve_dates
from deploy.local.mailbox import bounce
from services.contracts.declare import topic_of
from tests.support.collector import CollectedSpan, Collector, running_collector
from tests.support.gateway_client import GatewayClient
from tests.support.partner_process import read_items
from tests.support.polling import until
from tests.support.servers import ROOT
from tests.support.stack import RunningStack, new_stack, running_stack

MONDAY = dt.date(2026, 3, 30)
EASTER_MONDAY = dt.date(2026, 4, 6)
PICKUP_DAY = dt.date(2026, 4, 13)
STAFF = ("matti@example.fi", "tyhjennys-tiistaisin-42")
CUSTOMER = {"customerNumber": "62-0000000-00", "invoiceNumber": "1962859"}
MIRJA = ("mirja@example.fi", "kartonki kulkee kotoa")
PERSONAL = [*MIRJA, *STAFF, "EKOKAARI", "Mirja Mallikas", "AS OY MIRJA", "hyvin tyhjennetty"]
ORDER_TRACE, REPORT_TRACE, CLIENT_SPAN_ID = "a" * 32, "b" * 32, "c" * 16


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def stack(collector: Collector) -> Iterator[RunningStack]:
    stack = new_stack()
    stack.settings = {
        "KIERTO_TRACES": "otlp",
        "KIERTO_TRACES_ENDPOINT": collector.url,
        "KIERTO_TRACES_RATIO": "0",  # only the traces that a client samples
    }
    stack.kierto("clock", "set", f"{MONDAY}T09:00")
    with running_stack(stack):
        yield stack


@contextlib.contextmanager
def partner(stack: RunningStack, token: str, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a partner's system that follows order events until it is killed."""
    url = f"{stack.gateway.replace('http', 'ws')}/graphql"
    process = subprocess.Popen([sys.executable, "-m", "tests.support.partner_process", url, token, str(file)], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_one_pickup(stack: RunningStack, collector: Collector, tmp_path: Path) -> None:
    staff_work(stack, tmp_path)
    async with (
        GatewayClient(stack.gateway) as staff,
        GatewayClient(stack.gateway) as customer,
        GatewayClient(stack.gateway) as planner,
        GatewayClient(stack.gateway) as driver,
    ):
        await staff.sign_in(*STAFF)
        planner_secret = await create_partner(staff, "Reittisuunnittelu", ["orders:read", "orders:subscribe"])
        driver_secret = await create_partner(staff, "Ajopäätteet", ["pickups:report"])
        await planner.sign_in_as_partner(*planner_secret)

        # 2. A customer registers, signs in, lists sites with agreements and reads a calendar.
        await register(customer)
        await verify_address(stack, customer)
        await customer.sign_in(*MIRJA)
        site = await check_site(customer)
        await check_calendar(customer, site["id"])

        # 3. They are offered the dates for an extra pickup and order one.
        agreement = next(item for item in site["agreements"] if item["agreementNumber"] == "A00001")
        offers = await customer.execute(OFFERS, id=agreement["id"])
        offered = [offer["date"] for offer in offers["extraPickupOffers"]["offers"]]
        assert str(PICKUP_DAY) in offered
        assert str(EASTER_MONDAY) not in offered, "a pickup is planned then"
        assert str(MONDAY) not in offered, "past the cut-off"

        # 4. A partner that follows the events receives it; restarted, it receives the missed ones.
        events_file = tmp_path / "events"
        with partner(stack, planner.token, events_file):
            await until(lambda: partner_events(events_file))  # its first checkpoint: from here on it may miss no event
            customer.traceparent = f"00-{ORDER_TRACE}-{CLIENT_SPAN_ID}-01"
            order = await order_pickup(customer, agreement["id"], PICKUP_DAY, "order-1")
            customer.traceparent = ""
            await until(lambda: partner_events(events_file, order["id"]), lambda events: len(events) == 3)
        assert [event["type"] for event in await partner_events(events_file, order["id"])] == [
            "orders.order.placed",
            "orders.order.moved",
            "orders.order.moved",
        ]
        repeated = await order_pickup(customer, agreement["id"], PICKUP_DAY, "order-1")
        assert repeated["id"] == order["id"], "the same key is the same order"
        missed = await order_pickup(customer, agreement["id"], PICKUP_DAY + dt.timedelta(days=14), "order-2")
        with partner(stack, planner.token, events_file):
            await until(lambda: partner_events(events_file, missed["id"]), lambda events: len(events) == 3)
        events = [item for item in read_items(events_file) if item["__typename"].endswith("Event")]
        sequences = [int(event["sequence"]) for event in events]
        assert sequences == sorted(set(sequences)), "in order, without repeats"
        assert {event["subject"] for event in events} == {order["id"], missed["id"]}

        # 5. On the day another partner reports the pickup emptied.
        before = await april_grams(customer)
        stack.kierto("clock", "set", f"{PICKUP_DAY}T09:30")
        await customer.sign_in(*MIRJA)
        await driver.sign_in_as_partner(*driver_secret)
        driver.traceparent = f"00-{REPORT_TRACE}-{CLIENT_SPAN_ID}-01"
        await report(driver, order["id"])
        done = await customer.execute(ORDER, id=order["id"])
        assert done["state"] == "COMPLETED"
        assert [step["state"] for step in done["timeline"]] == ["RECEIVED", "CONFIRMED", "SCHEDULED", "COMPLETED"]

        # 6. The month's volumes have grown within a second.
        await until(lambda: april_grams(customer), lambda grams: grams == before + 38_500)

        # 7. The contact form, and its receipt in Finnish.
        form = {
            "siteId": site["id"],
            "topic": "PICKUP",
            "message": "Kiitos, hyvin tyhjennetty!",
            "idempotencyKey": "f1",
        }
        ticket = (await customer.execute(CONTACT, input=form))["ticket"]

        async def mails() -> dict[str, dict[str, Any]]:
            return {mail["subject"]: mail for mail in await asyncio.to_thread(stack.mails, MIRJA[0])}

        told = {"Palaute vastaanotettu", "Tilauksesi on vahvistettu"}
        received = await until(mails, lambda received: received.keys() >= told)
        mail = received["Palaute vastaanotettu"]
        assert ticket["number"] in mail["text"]
        assert "Kiitos, hyvin tyhjennetty!" in mail["text"]

        # 8. One click in the confirmation of the order ends such mails.
        link = received["Tilauksesi on vahvistettu"]["text"].partition("/unsubscribe/")[2].split()[0]
        address = f"{stack.ports.url('gateway')}/unsubscribe/{link}"
        for data in (None, b"List-Unsubscribe=One-Click"):
            page = await asyncio.to_thread(urllib.request.urlopen, address, data, 10)
            assert "Tilauksen vahvistus" in page.read().decode()
        choices = (await customer.execute("{ me { messageChoices { kind enabled } } }"))["messageChoices"]
        assert [choice["kind"] for choice in choices if not choice["enabled"]] == ["ORDER_CONFIRMED"]

        # 9. The receipt comes back: no mail is sent until the customer wants it again.
        await staff.sign_in(*STAFF)
        await check_bounce(stack, staff, customer, mail, form)

        secrets = customer.token, customer.refresh_token, driver.token, driver_secret[1]
        check_logs_for_personal_data(stack, *secrets)
    check_trace(stack)
    await check_spans(collector, ORDER_TRACE, "orderExtraPickup", "gateway")
    await check_spans(collector, REPORT_TRACE, "reportPickups", "gateway", "stats-worker")
    assert {span.trace_id for span in collector.spans} == {ORDER_TRACE, REPORT_TRACE}, "no client sampled the others"
    assert [text for text in (*secrets, *PERSONAL) if any(text.encode() in body for body in collector.bodies)] == []


def staff_work(stack: RunningStack, tmp_path: Path) -> None:
    """1. The first staff user is made on the host; they load an export with a bad row, twice."""
    created = stack.kierto("staff", "create", STAFF[0], "--email", STAFF[0], KIERTO_PASSWORD=STAFF[1])
    assert created.returncode == 0, created.stderr
    export = tmp_path / "export"
    resolve_dates(ROOT / "deploy" / "local" / "demo", export, MONDAY)
    with_bad_row = tmp_path / "with-a-bad-row"
    shutil.copytree(export, with_bad_row)
    with (with_bad_row / "sites.csv").open("a", encoding="utf-8") as sites:
        sites.write("9999,62-0000000-00,Tie 1,46860,KELTAKANGAS,KOUVOLA,KELTAKANGAS,CASTLE,1,AS OY MIRJA,,,\n")
    first = load(stack, with_bad_row)
    assert first.returncode == 1, first.stderr
    assert "sites.csv:205 property_type: MALFORMED" in first.stdout
    assert "sites: 204 rows, 203 added, 0 changed, 0 unchanged, 1 bad" in first.stdout
    assert "pickups: 8261 rows, 8261 added" in first.stdout
    second = load(stack, export)
    assert second.returncode == 0, second.stderr
    assert "pickups: 8261 rows, 0 added, 0 changed, 8261 unchanged, 0 bad" in second.stdout
    lines = [line for line in second.stdout.splitlines() if line]
    assert len(lines) == 10
    assert all("0 added, 0 changed" in line for line in lines)


def load(stack: RunningStack, folder: Path) -> subprocess.CompletedProcess[str]:
    return stack.kierto("import", str(folder), "--username", STAFF[0], KIERTO_PASSWORD=STAFF[1])


async def create_partner(staff: GatewayClient, name: str, scopes: list[str]) -> tuple[str, str]:
    form = {"name": name, "scopes": scopes, "allOrganisations": True, "idempotencyKey": name}
    created = await staff.execute(CREATE_PARTNER, input=form)
    return created["partner"]["clientId"], created["clientSecret"]


async def register(customer: GatewayClient) -> None:
    form: dict[str, Any] = {
        **CUSTOMER,
        "username": MIRJA[0],
        "email": MIRJA[0],
        "password": MIRJA[1],
        "termsVersion": "2026-01",
        "language": "FI",
    }
    refused = await customer.execute(REGISTER, input={**form, "invoiceNumber": "1862109"})
    assert [problem["code"] for problem in refused["problems"]] == ["CUSTOMER_NOT_RECOGNISED"]
    registered = await customer.execute(REGISTER, input=form)
    assert registered == {"__typename": "Registered", "accessRequested": False}


async def verify_address(stack: RunningStack, customer: GatewayClient) -> None:
    """Use the link of the first mail: no other is sent before."""

    async def mails() -> list[dict[str, Any]]:
        return await asyncio.to_thread(stack.mails, MIRJA[0])

    (mail,) = await until(mails)
    assert mail["subject"] == "Vahvista sähköpostiosoitteesi"
    code = mail["text"].partition("Koodi:")[2].split()[0]
    verified = await customer.execute(VERIFY_EMAIL, input={"token": code})
    assert verified == {"__typename": "EmailVerified"}


async def check_site(customer: GatewayClient) -> dict[str, Any]:
    sites = await customer.execute(SITES)
    (site,) = [edge["node"] for edge in sites["edges"]]
    assert site["address"] == {"street": "EKOKAARI 50", "postalCode": "46860", "city": "KELTAKANGAS"}
    assert site["billedTo"] == "AS OY MIRJA"
    assert site["organisation"]["customerNumber"] == "62-0000000-00"
    site["agreements"] = [edge["node"] for edge in site["agreements"]["edges"]]
    assert len(site["agreements"]) == 17
    article_names = {agreement["article"]["name"] for agreement in site["agreements"]}
    assert {"LOPPUJÄTEASTIAN 360 L TYHJENNYS", "240 L BIOJÄTEASTIAN TYHJENNYS"} <= article_names
    return dict(site)


async def check_calendar(customer: GatewayClient, site_id: str) -> None:
    """Check that the pickup of Easter Monday is moved to the Tuesday after, with a tolerance of a day."""
    site = await customer.execute(CALENDAR, id=site_id, since="2026-04-01", until="2026-04-30")
    pickups = site["calendar"]["pickups"]
    assert pickups
    assert {pickup["toleranceDays"] for pickup in pickups} == {1}
    moved = [p for p in pickups if p["originalDate"] == str(EASTER_MONDAY)]
    assert moved
    assert {(p["date"], p["movedBy"]["name"]) for p in moved} == {("2026-04-07", "Toinen pääsiäispäivä")}


async def order_pickup(customer: GatewayClient, agreement_id: str, day: dt.date, key: str) -> dict[str, Any]:
    ordered = await customer.execute(
        ORDER_EXTRA, input={"agreementId": agreement_id, "date": str(day), "idempotencyKey": key}
    )
    assert ordered["__typename"] == "Ordered", ordered
    return dict(ordered["order"])


async def partner_events(file: Path, subject: str | None = None) -> list[dict[str, str]]:
    """Read the items that a partner wrote, of one subject or all."""
    return [item for item in read_items(file) if subject is None or item.get("subject") == subject]


async def report(driver: GatewayClient, order_id: str) -> None:
    reports = [
        {
            "reportId": "R-1",
            "kind": "EMPTIED",
            "at": "2026-04-13T06:20:00Z",
            "orderId": order_id,
            "grams": 38_500,
        }
    ]
    for repeated in (False, True):
        result = await driver.execute(REPORT, input={"reports": reports})
        assert result["outcomes"] == [{"reportId": "R-1", "accepted": True, "repeated": repeated}]


async def april_grams(customer: GatewayClient) -> int:
    volumes = await customer.execute(VOLUMES, since="2026-04-01", until="2026-04-30")
    return int(volumes["grams"])


async def check_bounce(
    stack: RunningStack, staff: GatewayClient, customer: GatewayClient, mail: dict[str, Any], form: dict[str, Any]
) -> None:
    """Hand in a report on a mail, and check who sees it, and which messages are mailed after it."""

    async def write(key: str) -> str:
        ticket = (await customer.execute(CONTACT, input={**form, "idempotencyKey": key}))["ticket"]
        return str(ticket["number"])

    async def own_suppression() -> dict[str, Any] | None:
        own: dict[str, Any] | None = (await customer.execute(OWN_SUPPRESSION))["mailSuppression"]
        return own

    async def notes(number: str) -> list[str]:
        (edge,) = (await staff.execute(NOTES, search=number))["edges"]
        return [entry["node"]["text"] for entry in edge["node"]["thread"]["edges"]]

    assert await own_suppression() is None
    await bounce.send_report(stack.ports.address("support-bounces"), mail["from"], MIRJA[0])
    own = await own_suppression()
    assert own is not None
    assert own["reason"] == "ADDRESS_FAILED"
    (edge,) = (await staff.execute(SUPPRESSIONS))["edges"]
    seen = {"recipientKind": "USER", "user": {"name": MIRJA[0]}, "status": "5.1.1"}
    assert {name: edge["node"][name] for name in seen} == seen
    not_mailed = await write("f2")
    await until(lambda: notes(not_mailed))
    assert await customer.execute(RESUME, input={"idempotencyKey": "r1"}) == {"__typename": "MailResumed"}
    assert await own_suppression() is None
    assert (await staff.execute(SUPPRESSIONS))["edges"] == []
    mailed = await write("f3")

    async def texts() -> str:
        return "".join(mail["text"] for mail in await asyncio.to_thread(stack.mails, MIRJA[0]))

    assert not_mailed not in await until(texts, lambda text: mailed in text)


def check_trace(stack: RunningStack) -> None:
    """Check that one trace id goes from the gateway through the api and the relay to another service."""
    (reported, _) = [line["trace_id"] for line in stack.log("orders-api") if line.get("operation") == "reportPickups"]
    assert reported in {line.get("trace_id") for line in stack.log("gateway")}
    for process, event in (("orders-relay", "published"), ("stats-worker", "consumed")):
        batches = [line["traces"] for line in stack.log(process) if line["event"] == event]
        assert any(reported in traces for traces in batches if isinstance(traces, list)), process


async def check_spans(collector: Collector, trace_id: str, operation: str, *consumers: str) -> None:
    """Check that a mutation is one trace of spans: from the gateway to the consumers of its events."""
    topic = topic_of("orders")
    path = [
        ("gateway", "POST /graphql", "SERVER"),
        ("gateway", "mutation", "INTERNAL"),
        ("gateway", f"orders/{operation}", "CLIENT"),
        ("orders-api", f"orders/{operation}", "SERVER"),
        ("orders-api", "TRANSACTION", "CLIENT"),
    ]
    ends = {
        ("orders-relay", f"send {topic}", "PRODUCER"),
        *((consumer, f"process {topic}", "CONSUMER") for consumer in consumers),
    }

    def is_whole(spans: list[CollectedSpan]) -> bool:
        known = {CLIENT_SPAN_ID, *(span.span_id for span in spans)}
        return ends <= {place(span) for span in spans} and all(span.parent_id in known for span in spans)

    spans = {span.span_id: span for span in await until(lambda: collector.trace(trace_id), is_whole)}
    for end in [span for span in spans.values() if place(span) in ends]:
        ancestors = [end]
        while (parent := ancestors[0].parent_id) != CLIENT_SPAN_ID:
            ancestors.insert(0, spans[parent])
        assert [place(span) for span in ancestors] == [*path, place(end)]
        assert ancestors[0].attributes["http.response.status_code"] == 200


def place(span: CollectedSpan) -> tuple[str, str, str]:
    return span.process, span.name, span.kind


def check_logs_for_personal_data(stack: RunningStack, *secrets: str) -> None:
    """Check that no log has the names, addresses, texts, passwords and tokens of this test."""
    forbidden = [*secrets, *PERSONAL]
    for log in stack.home.logs.glob("*.log"):
        text = log.read_text(encoding="utf-8", errors="replace")
        assert [secret for secret in forbidden if secret in text] == [], log.name


REGISTER = """
    mutation ($input: RegisterInput!) {
      register(input: $input) {
        __typename
        ... on Registered { accessRequested }
        ... on Refusal { problems { code path message } }
      }
    }
"""
VERIFY_EMAIL = """
    mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { __typename } }
"""
CREATE_PARTNER = """
    mutation ($input: CreatePartnerInput!) {
      createPartner(input: $input) { ... on PartnerCreated { partner { clientId } clientSecret } }
    }
"""
SITES = """
    {
      sites(first: 10) {
        totalCount
        edges { node {
          id billedTo address { street postalCode city } organisation { customerNumber } openOrderCount
          agreements(first: 50) { edges { node {
            id agreementNumber intervalWeeks count nextPickup article { name fraction price { minor currency } }
          } } }
        } }
      }
    }
"""
CALENDAR = """
    query ($id: ID!, $since: Date!, $until: Date!) {
      node(id: $id) { ... on Site { calendar(since: $since, until: $until) { ... on Calendar { pickups {
        id date toleranceDays originalDate movedBy { date name } state article { name }
      } } } } }
    }
"""
OFFERS = """
    query ($id: ID!) {
      node(id: $id) { ... on Agreement { extraPickupOffers {
        ... on Offers { citation offers { date cutOff price { minor currency vatRate } } }
      } } }
    }
"""
ORDER_EXTRA = """
    mutation ($input: OrderExtraPickupInput!) {
      orderExtraPickup(input: $input) {
        __typename
        ... on Ordered { order { id state date price { minor } } }
        ... on Refusal { problems { code path message } }
      }
    }
"""
ORDER = """
    query ($id: ID!) { node(id: $id) { ... on Order {
        state timeline { state at actor { __typename name } reason } site { id }
    } } }
"""
REPORT = """
    mutation ($input: ReportPickupsInput!) {
      reportPickups(input: $input) { ... on PickupsReported { outcomes { reportId accepted repeated } } }
    }
"""
VOLUMES = """
    query ($since: Date!, $until: Date!) {
      volumes(since: $since, until: $until) { ... on Volumes { grams pickups steps { start rows { fraction grams } } } }
    }
"""
CONTACT = """
    mutation ($input: SendContactFormInput!) {
      sendContactForm(input: $input) {
        ... on ContactFormReceived { ticket { number topic } }
        ... on Refusal { problems { code path message } }
      }
    }
"""
OWN_SUPPRESSION = "{ me { mailSuppression { reason since until } } }"
SUPPRESSIONS = """
    { mailSuppressions(first: 10) { edges { node { id recipientKind user { name } reason status } } } }
"""
NOTES = """
    query ($search: String!) { tickets(first: 1, filter: {search: $search}) { edges { node {
      thread(first: 10, filter: {kinds: [NOTE]}) { edges { node { text } } }
    } } } }
"""
RESUME = """
    mutation ($input: ResumeMailInput!) { resumeMail(input: $input) { __typename } }
"""
