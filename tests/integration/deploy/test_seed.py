"""Tests of seeding five empty databases: their contents, and the reads of a small customer."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from deploy.commands.progress import ProgressLines
from deploy.local.detached_service import blueprint_of
from deploy.local.secrets import SERVICES
from deploy.seed import accounts
from deploy.seed.event_log import RETENTION
from deploy.seed.history import ORDERS_A_SITE
from deploy.seed.population import SMALL_SITES, Population, organisation_id, user_id
from deploy.seed.seeder import AlreadySeeded, SeedRequest, seed_databases
from services.access.caller import Caller
from services.chassis.db.postgres import Pool
from services.chassis.ids import write_id
from services.contracts.orders.event_log import EventPage
from services.contracts.orders.pickups import Calendar
from services.contracts.permission import SubjectKind
from services.contracts.stats import Volumes
from services.contracts.values import Page
from tests.support.clock import TestClock
from tests.support.fixtures import MakeDatabase
from tests.support.owner import owner_of
from tests.support.servers import as_owner
from tests.support.service_harness import ServiceHarness

SITES = 60
POPULATION = Population(SITES)
SMALL = Caller(subject_id=write_id("user", user_id(0)), kind=SubjectKind.USER, access_version=1)
PARTNER = Caller(
    subject_id=write_id("partner", accounts.PARTNER_OF_ONE),
    kind=SubjectKind.PARTNER,
    scopes=frozenset({"orders:subscribe"}),
    access_version=1,
)

Databases = dict[str, str]
Seed = Callable[[], Awaitable[Databases]]


@pytest.fixture
async def empty_databases(make_database: MakeDatabase) -> Databases:
    return {service: await make_database(blueprint_of(service)) for service in SERVICES}


@pytest.fixture
async def pools(empty_databases: Databases, open_pool: Callable[[str], Awaitable[Pool]]) -> dict[str, Pool]:
    return {service: await open_pool(url) for service, url in empty_databases.items()}


async def seed(databases: Databases, clock: TestClock) -> None:
    owned = {service: as_owner(url) for service, url in databases.items()}
    wanted = SeedRequest(
        sites=SITES, password="kartonki kulkee kotoa", databases=owned, pepper=b"pepper" * 4, clock=clock
    )
    await seed_databases(wanted, ProgressLines())


async def test_row_counts_are_as_requested_and_copies_equal_their_owners(
    empty_databases: Databases, pools: dict[str, Pool], clock: TestClock
) -> None:
    await seed(empty_databases, clock)

    counts = {
        ("identity", "organisations"): POPULATION.organisations,
        ("identity", "users"): POPULATION.organisations + 3,
        ("identity", "partners"): 2,
        ("sites", "sites"): SITES,
        ("sites", "containers"): SITES * 3,
        ("orders", "agreements"): SITES * 3,
        ("orders", "orders"): SITES * ORDERS_A_SITE,
        ("support", "tickets"): SITES // 2,
    }
    for (service, table), wanted in counts.items():
        assert await pools[service].fetchval(f"SELECT count(*) FROM {table}") == wanted, table

    async def assert_equal(columns: str, table: str, *services: str) -> None:
        seen = [await pools[service].fetch(f"SELECT {columns} FROM {table} ORDER BY 1, 2") for service in services]
        assert seen[0]
        assert all(rows == seen[0] for rows in seen), table

    await assert_equal("*", "access.subjects", *SERVICES)
    await assert_equal("*", "access.grants", *SERVICES)
    await assert_equal("id, customer_number, version", "organisations", "identity", "sites", "stats")
    await assert_equal("id, customer_number, invoice_number, invoice_date, version", "invoices", "stats", "identity")
    await assert_equal("id, organisation_id, site_number, version", "sites", "sites", "orders", "support")
    await assert_equal(
        "id, container_number, site_id, organisation_id, litres, version", "containers", "sites", "orders"
    )
    pickup = "id, organisation_id, site_id, agreement_id, order_id, article_id, date, state, done_at, grams, version"
    await assert_equal(pickup, "pickups", "orders", "stats")
    before = await pools["stats"].fetch("SELECT * FROM volumes ORDER BY organisation_id, day, site_id, article_id")
    harness: ServiceHarness[Any, Any] = ServiceHarness(blueprint_of("stats"), pools["stats"], clock)
    async with harness.work() as tx:
        await tx.volumes.recount()
    after = await pools["stats"].fetch("SELECT * FROM volumes ORDER BY organisation_id, day, site_id, article_id")
    assert before == after


async def test_a_small_customer_reads_its_own(
    empty_databases: Databases, pools: dict[str, Pool], clock: TestClock
) -> None:
    await seed(empty_databases, clock)

    def api_of(service: str, caller: Caller) -> Any:
        harness: ServiceHarness[Any, Any] = ServiceHarness(blueprint_of(service), pools[service], clock)
        return harness.api(caller)

    sites = await api_of("sites", SMALL).sites(Page())
    ids = [edge.node.id for edge in sites.edges]
    assert len(ids) == SMALL_SITES
    orders = api_of("orders", SMALL)
    own_orders = await orders.orders(Page(first=200))
    assert len(own_orders.edges) == SMALL_SITES * ORDERS_A_SITE
    assert {edge.node.organisation_id for edge in own_orders.edges} == {write_id("org", organisation_id(0))}
    assert await orders.open_order_counts(ids) == [1] * SMALL_SITES
    assert None not in await orders.next_pickups(ids)
    agreements = await orders.agreements_of_sites(ids, Page())
    assert [len(page.edges) for page in agreements] == [3] * SMALL_SITES
    today = clock.today()
    for calendar in await orders.calendars(ids, today - dt.timedelta(days=300), today):
        assert isinstance(calendar, Calendar)
        assert any(pickup.done_at for pickup in calendar.pickups)
    tickets = await api_of("support", SMALL).tickets(Page())
    assert len(tickets.edges) == SMALL_SITES // 2
    volumes = await api_of("stats", SMALL).volumes(today - dt.timedelta(days=365), today)
    assert isinstance(volumes, Volumes)
    assert volumes.grams > 0
    page = await api_of("orders", PARTNER).events("START", 500)
    assert isinstance(page, EventPage)
    assert page.end
    assert len(page.events) > SMALL_SITES
    assert {event.organisation_id for event in page.events} == {write_id("org", organisation_id(0))}


async def test_the_log_has_no_gaps_and_is_in_the_order_of_time(
    empty_databases: Databases, pools: dict[str, Pool], clock: TestClock
) -> None:
    await pools["orders"].execute("UPDATE chassis.leader SET last_sequence = 1000")
    await seed(empty_databases, clock)

    rows = await pools["orders"].fetch(
        "SELECT sequence, occurred_at, public, partition FROM chassis.outbox ORDER BY sequence"
    )
    assert [row["sequence"] for row in rows] == list(range(1001, 1001 + len(rows)))
    times = [row["occurred_at"] for row in rows]
    assert times == sorted(times)
    assert clock.now() - RETENTION <= times[0]
    assert times[-1] <= clock.now()
    assert all(row["public"] for row in rows)
    assert await pools["orders"].fetchval("SELECT last_sequence FROM chassis.leader") == 1000 + len(rows)


async def test_events_wait_until_the_relay_has_published_what_came_before(
    empty_databases: Databases, pools: dict[str, Pool], clock: TestClock
) -> None:
    orders = pools["orders"]
    await orders.execute("UPDATE chassis.leader SET cluster_id = 'here', last_sequence = 7, epoch = 3")
    await orders.execute("INSERT INTO chassis.published_up_to VALUES ('here', 'orders', 6), ('here', 'other', 9)")

    seeding = asyncio.create_task(seed(empty_databases, clock))
    # The transaction between two polls; a poll itself ends at once.
    async with owner_of(orders) as owner:
        while not await owner.fetchval(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'kierto seed' AND query LIKE 'ROLLBACK TO%')"
        ):
            await asyncio.sleep(0.01)
            assert not seeding.done()
    await orders.execute("UPDATE chassis.published_up_to SET sequence = 7 WHERE topic = 'orders'")
    await seeding

    last = await orders.fetchval("SELECT last_sequence FROM chassis.leader")
    assert last > 7
    published = await orders.fetch("SELECT topic, sequence FROM chassis.published_up_to WHERE sequence > 9")
    assert {row["sequence"] for row in published} == {last}
    assert len(published) == 2, "both topics of orders count as published"
    assert await orders.fetchval("SELECT epoch FROM chassis.leader") > 3, "the relay has to read its state again"


async def test_ticket_numbers_continue(empty_databases: Databases, pools: dict[str, Pool], clock: TestClock) -> None:
    await pools["support"].execute("SELECT nextval('ticket_numbers') FROM generate_series(1, 41)")
    await seed(empty_databases, clock)

    tickets = await pools["support"].fetch("SELECT number FROM tickets ORDER BY opened_at")
    counts = sorted(int(row["number"].rpartition("-")[2]) for row in tickets)
    assert counts == list(range(42, 42 + len(tickets)))
    assert await pools["support"].fetchval("SELECT nextval('ticket_numbers')") == counts[-1] + 1


async def test_it_is_deterministic_and_done_once(
    empty_databases: Databases,
    make_database: MakeDatabase,
    open_pool: Callable[[str], Awaitable[Pool]],
    clock: TestClock,
) -> None:
    others = {service: await make_database(blueprint_of(service)) for service in SERVICES}
    await seed(empty_databases, clock)
    await seed(others, clock)
    first, second = await all_rows(empty_databases, open_pool), await all_rows(others, open_pool)
    assert first == second

    with pytest.raises(AlreadySeeded):
        await seed(empty_databases, clock)
    assert await all_rows(empty_databases, open_pool) == first


async def all_rows(databases: Databases, open_pool: Callable[[str], Awaitable[Pool]]) -> dict[str, Sequence[object]]:
    """Read all rows of the services' tables, without values of the run alone (a hash's salt, a transaction)."""
    rows_by_table: dict[str, Sequence[object]] = {}
    for service, url in databases.items():
        pool = await open_pool(url)
        tables = await pool.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%yoyo%'"
        )
        for (table,) in tables:
            row = "to_jsonb(t) - 'password_hash' - 'changed_in'"
            rows = await pool.fetch(f"SELECT {row} AS row FROM {table} t")
            rows_by_table[f"{service}.{table}"] = sorted(str(row["row"]) for row in rows)
    return rows_by_table
