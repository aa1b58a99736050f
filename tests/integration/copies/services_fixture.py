"""All five services with their relays and consumers, on a real broker with topics of their own."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from deploy.copies import DetachedService, RebuildResult, announce_all, rebuild
from services.access.caller import Caller
from services.chassis.db.postgres import Pool
from services.chassis.events.consume.consumer import Consumer
from services.chassis.events.publish.relay import Relay
from services.chassis.ids import new_uuid, write_id
from services.contracts.declare import topic_of
from services.contracts.identity.partners import SCOPES, CreatePartner, PartnerCreated
from services.contracts.identity.people import Language
from services.contracts.orders.reports import PickupReport, PickupsReported, ReportKind
from services.contracts.permission import Role, SubjectKind
from services.hosting.blueprint import Blueprint
from services.identity.app import IDENTITY
from services.identity.domain.access import MembershipRecord, UserRecord
from services.identity.usecases.create_partner import create_partner
from services.identity.usecases.state_access import state_access
from services.orders.app import ORDERS
from services.orders.usecases.report_pickups import report_pickups
from services.sites.app import SITES
from services.stats.app import STATS
from services.support.app import SUPPORT
from tests.component.orders.scenario import AGREEMENTS, ARTICLES, HOLIDAYS, ROUTES, RULES
from tests.support.polling import until
from tests.support.servers import Servers
from tests.support.service_harness import ServiceHarness

SERVICES = (IDENTITY, SITES, ORDERS, STATS, SUPPORT)
ORGANISATIONS = """\
customer_number,name,kind,business_id
62-0000000-00,Asiakas,HOUSING_COMPANY,
62-0000001-00,Toinen,BUSINESS,
62-0000002-00,Kolmas,BUSINESS,
"""
SITE_HEADER = (
    "site_number,customer_number,street,postal_code,city,municipality,area,property_type,dwellings,billed_to\n"
)
SITE_ROWS = SITE_HEADER + "".join(
    f"{number},{customer},Katu {number},45100,KOUVOLA,KOUVOLA,KELTAKANGAS,HOUSING_COMPANY,24,A\n"
    for number, customer in [
        ("50", "62-0000000-00"),
        ("51", "62-0000000-00"),
        ("60", "62-0000001-00"),
        *((str(n), "62-0000002-00") for n in range(70, 90)),
    ]
)
CONTAINER_ROWS = "container_number,site_number,fraction,litres,count\n" + "".join(
    f"{number},{site},{fraction},360,1\n"
    for number, site, fraction in [
        ("C1", "50", "RESIDUAL"),
        ("C2", "50", "BIOWASTE"),
        ("C3", "51", "RESIDUAL"),
        ("C4", "60", "RESIDUAL"),
        *((f"D{n}", str(n), "PAPER") for n in range(70, 90)),
    ]
)
PICKUPS = "pickup_number,agreement_number,date,outcome,grams,reason\n" + "".join(
    f"P{n},{agreement},{dt.date(2025, 1, 2) + dt.timedelta(days=3 * n)},{outcome}\n"
    for n in range(60)
    for agreement in [("A1", "A2", "A3", "A4")[n % 4]]
    for outcome in ["FAILED,,Portti kiinni" if n % 9 == 0 else f"EMPTIED,{1_000 + n},"]
)
INVOICES = "invoice_number,customer_number,invoice_date,due_date,period,net_minor,vat_rate,currency\n" + "".join(
    f"{number},62-000000{number % 3}-00,2026-01-31,2026-02-28,2026/1,1000,255,EUR\n" for number in range(12)
)
# Of each copy: the service with the copy and its query, the owner and the same query there.
COPY_QUERIES: list[tuple[str, str, str, str]] = [
    *(
        (
            consumer,
            "SELECT subject_id, kind, version, active, scopes FROM access.subjects",
            "identity",
            "SELECT subject_id, kind, version, active, scopes FROM access.subjects",
        )
        for consumer in ("sites", "orders", "stats", "support")
    ),
    *(
        (consumer, "SELECT * FROM access.grants", "identity", "SELECT * FROM access.grants")
        for consumer in ("sites", "orders", "stats", "support")
    ),
    *(
        (
            consumer,
            "SELECT id, customer_number, version FROM organisations",
            "identity",
            "SELECT id, customer_number, version FROM organisations",
        )
        for consumer in ("sites", "stats")
    ),
    (
        "orders",
        "SELECT id, organisation_id, site_number, municipality, area, property_type, version FROM sites",
        "sites",
        "SELECT id, organisation_id, site_number, municipality, area, property_type, version FROM sites",
    ),
    (
        "orders",
        "SELECT id, container_number, site_id, organisation_id, fraction, litres, count, version FROM containers",
        "sites",
        "SELECT id, container_number, site_id, organisation_id, fraction, litres, count, version FROM containers",
    ),
    (
        "support",
        "SELECT id, organisation_id, site_number, version FROM sites",
        "sites",
        "SELECT id, organisation_id, site_number, version FROM sites",
    ),
    (
        "identity",
        "SELECT id, organisation_id, version FROM sites",
        "sites",
        "SELECT id, organisation_id, version FROM sites",
    ),
    (
        "identity",
        "SELECT id, customer_number, invoice_number, invoice_date, version FROM invoices",
        "stats",
        "SELECT id, customer_number, invoice_number, invoice_date, version FROM invoices",
    ),
    (
        "stats",
        "SELECT id, organisation_id, site_id, agreement_id, order_id, article_id, fraction, date, state, done_at,"
        " grams, version FROM pickups",
        "orders",
        "SELECT id, organisation_id, site_id, agreement_id, order_id, article_id, fraction, date, state, done_at,"
        " grams, version FROM pickups",
    ),
    (
        "stats",
        "SELECT organisation_id, day, site_id, article_id, fraction, grams, pickups FROM volumes WHERE pickups <> 0",
        "orders",
        "SELECT organisation_id, (done_at AT TIME ZONE 'Europe/Helsinki')::date, site_id, article_id, fraction,"
        " sum(coalesce(grams, 0))::bigint, count(*) FROM pickups WHERE state = 'EMPTIED' GROUP BY 1, 2, 3, 4, 5",
    ),
]


class RecordingProgress:
    """Progress reporter that records the steps."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def step(self, name: str, done: int, total: int) -> None:
        self.steps.append((name, done, total))

    def note(self, text: str) -> None:
        raise AssertionError(text)


class ServicesFixture:
    """The services by name, with their relays and consumers."""

    def __init__(self, servers: Servers, harnesses: dict[str, ServiceHarness[Any, Any]], urls: dict[str, str]) -> None:
        self.harnesses = harnesses
        self.urls = urls
        self.suffix = new_uuid().hex[-12:]
        self._kafka = servers.kafka

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run all relays and consumers for the length of a block."""
        stop = asyncio.Event()
        parts: list[Callable[[asyncio.Event], Any]] = []
        for blueprint in SERVICES:
            parts += [self._relay(blueprint).run, self._consumer(blueprint).run]
        tasks = [asyncio.create_task(run(stop)) for run in parts]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    def use_pool(self, name: str, pool: Pool) -> None:
        """Have a service use another pool from now on, after a restore of its database."""
        harness = self.harnesses[name]
        self.harnesses[name] = ServiceHarness(harness.blueprint, pool, harness.clock)
        self.harnesses[name].settings = harness.settings

    def topic(self, owner: str) -> str:
        return topic_of(f"{owner}{self.suffix}")

    def _relay(self, blueprint: Blueprint[Any, Any]) -> Relay:
        name = f"{blueprint.name}{self.suffix}"
        clock = self.harnesses[blueprint.name].clock
        return Relay(name, self.urls[blueprint.name], self._kafka, "1", clock, versioned=blueprint.versioned)

    def _consumer(self, blueprint: Blueprint[Any, Any]) -> Consumer[Any]:
        harness: Any = self.harnesses[blueprint.name]
        topics = [self.topic(owner) for owner in blueprint.subscribes_to]
        return Consumer(
            f"{blueprint.name}{self.suffix}",
            1,
            self._kafka,
            topics,
            blueprint.handlers(harness),
            harness.pool,
            harness.work,
            harness.clock,
        )

    # Commands of an operator

    @contextlib.asynccontextmanager
    async def open_service(self, name: str) -> AsyncIterator[DetachedService]:
        harness = self.harnesses[name]
        yield DetachedService(harness.blueprint, harness.pool, harness.work)

    async def announce(self, name: str) -> dict[str, int]:
        async with self.open_service(name) as owner:
            return await announce_all(owner, owner.blueprint.announcements, RecordingProgress())

    async def rebuild(self, name: str) -> RebuildResult:
        async with self.open_service(name) as consumer:
            return await rebuild(consumer, self.open_service, RecordingProgress())

    async def rebuild_all(self) -> dict[str, RebuildResult]:
        return {blueprint.name: await self.rebuild(blueprint.name) for blueprint in SERVICES}

    # Data

    async def fill(self) -> None:
        """Add customers, people, sites, agreements, pickups and invoices; the events of the owners fill the copies."""
        await self.import_files("identity", organisations=ORGANISATIONS)
        await self.add_people()
        await self.await_equal()
        await self.import_files("sites", sites=SITE_ROWS, containers=CONTAINER_ROWS)
        await self.import_files("stats", invoices=INVOICES)
        await self.await_equal()
        await self.import_files(
            "orders",
            articles=ARTICLES,
            routes=ROUTES,
            holidays=HOLIDAYS,
            rules=RULES,
            agreements=AGREEMENTS,
            pickups=PICKUPS,
        )
        await self.import_files("sites", sites=SITE_ROWS.replace("HOUSING_COMPANY,24", "BUSINESS,24"))
        await self.await_equal()

    async def import_files(self, name: str, **files: str) -> None:
        for kind, text in files.items():
            done, bad = await self.harnesses[name].import_file(kind, text)
            assert (done.failed, bad) == (0, []), kind

    async def add_people(self) -> None:
        """Add a member of each customer, a member of staff, and two partners."""
        harness = self.harnesses["identity"]
        organisations = [row["id"] for row in await harness.pool.fetch("SELECT id FROM organisations ORDER BY id")]
        for organisation_id in (*organisations, None):
            await self.add_user(organisation_id)
        for name in ("kuljettajat", "suunnittelu"):
            ids = [write_id("org", organisation_id) for organisation_id in organisations]
            command = CreatePartner(idempotency_key=name, name=name, scopes=[*SCOPES], organisation_ids=ids)
            created = await create_partner(harness.work, b"pepper", write_id("user", new_uuid()), command)
            assert isinstance(created, PartnerCreated)

    async def add_user(self, organisation_id: uuid.UUID | None) -> None:
        """Add a member of an organisation; of staff, if it is None."""
        user_id = new_uuid()
        memberships = [
            MembershipRecord(organisation_id=member_of, role=Role.EDITOR, billing=True, site_ids=None)
            for member_of in [organisation_id]
            if member_of
        ]
        async with self.harnesses["identity"].work() as tx:
            user = UserRecord(
                id=user_id,
                username=f"{user_id}",
                email="a@example.fi",
                language=Language.FI,
                password_hash="",
                staff=organisation_id is None,
                memberships=memberships,
            )
            assert await tx.users.add(user, tx.now)
            await state_access(tx, user)

    async def report(self, number: int, grams: int) -> None:
        """Report a pickup of one of 50 days; a repeat corrects its weight."""
        harness = self.harnesses["orders"]
        agreement = await harness.pool.fetchval("SELECT id FROM agreements WHERE agreement_number = 'A1'")
        pickup = PickupReport(
            report_id=f"R{number}",
            kind=ReportKind.EMPTIED,
            at=dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC) + dt.timedelta(seconds=number),
            agreement_id=write_id("agreement", agreement),
            date=dt.date(2026, 1, 8) + dt.timedelta(weeks=2 * (number % 50)),
            grams=grams,
        )
        async with harness.work() as tx:
            result = await report_pickups(tx, await self._driver(), [pickup])
        assert isinstance(result, PickupsReported)
        assert result.outcomes[0].accepted, result

    async def _driver(self) -> Caller:
        pool = self.harnesses["orders"].pool
        subject = await pool.fetchval("SELECT subject_id FROM access.subjects WHERE kind = 'PARTNER' LIMIT 1")
        return Caller(subject_id=subject, kind=SubjectKind.PARTNER, scopes=frozenset(SCOPES))

    # Contents

    async def await_equal(self, *, known: bool = False) -> None:
        """Wait until every copy equals its owner's rows."""
        await until(lambda: self.differences(known=known), lambda differing: not differing)

    async def differences(self, *, known: bool = False) -> list[str]:
        """List the copies that differ from their owner's rows; ``known``: compare only rows that the owner has."""
        result = []
        for consumer, copy_query, owner, owner_query in COPY_QUERIES:
            copy, original = await self.rows(consumer, copy_query), await self.rows(owner, owner_query)
            if known:
                keys = {row[0] for row in original}
                copy = [row for row in copy if row[0] in keys]
            if copy != original and not (known and "FROM volumes" in copy_query):
                result.append(f"{consumer}: {copy_query.split(' FROM ')[1]}")
        return result

    async def copies(self) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
        """Return all rows of all copies and of the data derived from them."""
        result = {}
        for blueprint in SERVICES:
            tables = [copy.table for copy in blueprint.copies] + ["access.grants"]
            for table in (*tables, *(["volumes"] if blueprint.name == "stats" else [])):
                where = " WHERE pickups <> 0" if table == "volumes" else ""
                # A row that is written again changes in another transaction.
                row = "(to_jsonb(row) - 'changed_in')::text"
                query = f"SELECT {row} FROM {table} AS row{where}"
                result[blueprint.name, table] = await self.rows(blueprint.name, query)
        return result

    async def rows(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        rows = await self.harnesses[name].pool.fetch(statement)
        return sorted((tuple(row) for row in rows), key=str)
