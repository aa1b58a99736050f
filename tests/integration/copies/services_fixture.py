"""All five services with their relays and consumers, on a real broker under topics of their own, and what they hold."""

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
from services.contracts.identity import SCOPES, CreatePartner, Language, PartnerCreated, Role, SubjectKind
from services.contracts.orders import PickupReport, PickupsReported, ReportKind
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
# Of each copy: what the keeper has, and the same of what the owner has.
COPY_QUERIES: list[tuple[str, str, str, str]] = [
    *(
        (
            keeper,
            "SELECT subject_id, kind, version, active, scopes FROM access.subjects",
            "identity",
            "SELECT subject_id, kind, version, active, scopes FROM access.subjects",
        )
        for keeper in ("sites", "orders", "stats", "support")
    ),
    *(
        (keeper, "SELECT * FROM access.grants", "identity", "SELECT * FROM access.grants")
        for keeper in ("sites", "orders", "stats", "support")
    ),
    *(
        (
            keeper,
            "SELECT id, customer_number, version FROM organisations",
            "identity",
            "SELECT id, customer_number, version FROM organisations",
        )
        for keeper in ("sites", "stats")
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
    """Steps that nobody looks at; they are kept."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, int]] = []

    def step(self, name: str, done: int, total: int) -> None:
        self.said.append((name, done, total))

    def note(self, text: str) -> None:
        raise AssertionError(text)


class ServicesFixture:
    """The services by name. ``run`` has their relays and consumers run."""

    def __init__(self, servers: Servers, benches: dict[str, ServiceHarness[Any, Any]], urls: dict[str, str]) -> None:
        self.benches = benches
        self.urls = urls
        self.suffix = new_uuid().hex[-12:]
        self._kafka = servers.kafka

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Relays and consumers of all, for the length of a block."""
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

    def on(self, name: str, pool: Pool) -> None:
        """Have a service work on another pool from now on: its database was put back."""
        bench = self.benches[name]
        self.benches[name] = ServiceHarness(bench.blueprint, pool, bench.clock)
        self.benches[name].settings = bench.settings

    def topic(self, owner: str) -> str:
        return topic_of(f"{owner}{self.suffix}")

    def _relay(self, blueprint: Blueprint[Any, Any]) -> Relay:
        name = f"{blueprint.name}{self.suffix}"
        return Relay(name, self.urls[blueprint.name], self._kafka, "1", versioned=blueprint.versioned)

    def _consumer(self, blueprint: Blueprint[Any, Any]) -> Consumer[Any]:
        bench: Any = self.benches[blueprint.name]
        topics = [self.topic(owner) for owner in blueprint.subscribes_to]
        return Consumer(
            f"{blueprint.name}{self.suffix}",
            1,
            self._kafka,
            topics,
            blueprint.handlers(bench),
            bench.pool,
            bench.work,
            bench.clock,
        )

    # What an operator does

    @contextlib.asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[DetachedService]:
        bench = self.benches[name]
        yield DetachedService(bench.blueprint, bench.pool, bench.work)

    async def announce(self, name: str) -> dict[str, int]:
        async with self.open(name) as owner:
            return await announce_all(owner, owner.blueprint.announcements, RecordingProgress())

    async def rebuild(self, name: str) -> RebuildResult:
        async with self.open(name) as keeper:
            return await rebuild(keeper, self.open, RecordingProgress())

    async def rebuild_all(self) -> dict[str, RebuildResult]:
        return {blueprint.name: await self.rebuild(blueprint.name) for blueprint in SERVICES}

    # What happened before

    async def fill(self) -> None:
        """Customers, people, sites, agreements, pickups and invoices, each copy filled by the events of the owner."""
        await self.import_files("identity", organisations=ORGANISATIONS)
        await self.people()
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
            done, bad = await self.benches[name].import_file(kind, text)
            assert (done.failed, bad) == (0, []), kind

    async def people(self) -> None:
        """A member of each customer, a member of staff, and two partners."""
        bench = self.benches["identity"]
        organisations = [row["id"] for row in await bench.pool.fetch("SELECT id FROM organisations ORDER BY id")]
        for organisation_id in (*organisations, None):
            await self.add_user(organisation_id)
        for name in ("kuljettajat", "suunnittelu"):
            ids = [write_id("org", one) for one in organisations]
            command = CreatePartner(idempotency_key=name, name=name, scopes=[*SCOPES], organisation_ids=ids)
            made = await create_partner(bench.work, b"pepper", write_id("user", new_uuid()), command)
            assert isinstance(made, PartnerCreated)

    async def add_user(self, organisation_id: uuid.UUID | None) -> None:
        """A member of an organisation; of staff, where it is None."""
        user_id = new_uuid()
        memberships = [
            MembershipRecord(organisation_id=one, role=Role.EDITOR, billing=True, site_ids=None)
            for one in [organisation_id]
            if one
        ]
        async with self.benches["identity"].work() as tx:
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
        """A driver reports a pickup of one of 50 days, perhaps once more, with another weight."""
        bench = self.benches["orders"]
        agreement = await bench.pool.fetchval("SELECT id FROM agreements WHERE agreement_number = 'A1'")
        pickup = PickupReport(
            report_id=f"R{number}",
            kind=ReportKind.EMPTIED,
            at=dt.datetime(2026, 3, 4, 6, tzinfo=dt.UTC) + dt.timedelta(seconds=number),
            agreement_id=write_id("agreement", agreement),
            date=dt.date(2026, 1, 8) + dt.timedelta(weeks=2 * (number % 50)),
            grams=grams,
        )
        async with bench.work() as tx:
            answer = await report_pickups(tx, await self._driver(), [pickup])
        assert isinstance(answer, PickupsReported)
        assert answer.outcomes[0].accepted, answer

    async def _driver(self) -> Caller:
        pool = self.benches["orders"].pool
        subject = await pool.fetchval("SELECT subject_id FROM access.subjects WHERE kind = 'PARTNER' LIMIT 1")
        return Caller(subject_id=subject, kind=SubjectKind.PARTNER, scopes=frozenset(SCOPES))

    # What is there

    async def await_equal(self, *, known: bool = False) -> None:
        """Wait until every copy is what its owner has."""
        await until(lambda: self.differences(known=known), lambda found: not found)

    async def differences(self, *, known: bool = False) -> list[str]:
        """The copies that differ from what their owner has; ``known``: in what the owner knows of."""
        found = []
        for keeper, kept, owner, owned in COPY_QUERIES:
            copy, truth = await self.rows(keeper, kept), await self.rows(owner, owned)
            if known:
                keys = {row[0] for row in truth}
                copy = [row for row in copy if row[0] in keys]
            if copy != truth and not (known and "FROM volumes" in kept):
                found.append(f"{keeper}: {kept.split(' FROM ')[1]}")
        return found

    async def copies(self) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
        """Every row of every copy, whole, and of what is computed from them."""
        found = {}
        for blueprint in SERVICES:
            tables = [copy.table for copy in blueprint.copies] + ["access.grants"]
            for table in (*tables, *(["volumes"] if blueprint.name == "stats" else [])):
                where = " WHERE pickups <> 0" if table == "volumes" else ""
                found[blueprint.name, table] = await self.rows(blueprint.name, f"SELECT * FROM {table}{where}")
        return found

    async def rows(self, name: str, statement: str) -> list[tuple[Any, ...]]:
        rows = await self.benches[name].pool.fetch(statement)
        return sorted((tuple(row) for row in rows), key=str)
