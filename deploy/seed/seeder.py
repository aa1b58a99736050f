"""Fills the five databases, block after block of sites, each in one transaction: all of it is there, or nothing."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import msgspec

from deploy.copies import ProgressReporter
from deploy.local.secrets import SERVICES
from deploy.seed import accounts, population
from deploy.seed.access import copy_access, state_access
from deploy.seed.event_log import SeededEventLog
from deploy.seed.history import HistoryGenerator, SiteHistory
from deploy.seed.identity import rows_of_customers, rows_of_partners, rows_of_site_copies
from deploy.seed.ids import seeded_id
from deploy.seed.orders import rows_of_orders
from deploy.seed.population import FOUNDED, Population
from deploy.seed.reference_data import ReferenceData
from deploy.seed.sites import rows_of_organisations, rows_of_sites
from deploy.seed.stats import invoices, rows_of_invoices, rows_of_pickups
from deploy.seed.support import rows_of_tickets
from deploy.seed.tables import copy_all
from services.chassis.db.postgres import DatabaseConnection, open_connection
from services.chassis.runtime.clock import Clock
from services.identity.hashing.argon2 import Argon2Passwords
from services.orders.store.articles import PostgresArticleRepository
from services.orders.store.holidays import PostgresHolidayRepository
from services.orders.store.routes import PostgresRouteRepository
from services.orders.store.rules import PostgresRuleRepository

BLOCK_SIZE = 1_000
"""Sites, or customers, that are held in memory at a time."""

_IS_SEEDED = "SELECT EXISTS (SELECT 1 FROM organisations WHERE customer_number = $1)"
_NEW_ARTICLE = "INSERT INTO articles (id, article_number) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname IN ('public', 'access', 'chassis') AND tableowner = current_user
"""


class AlreadySeeded(Exception):
    """The databases were seeded before."""


class SeedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order to seed so many sites, with one password for all. ``databases`` by service; ``pepper`` is identity's."""

    sites: int
    password: str
    databases: Mapping[str, str]
    pepper: bytes
    clock: Clock


async def seed_databases(wanted: SeedRequest, steps: ProgressReporter) -> None:
    """Seed; SeededAlready, or event_log.RelayBehind, and then nothing was done."""
    there_are, now = Population(wanted.sites), wanted.clock.now()
    async with _connections(wanted.databases) as connections:
        async with contextlib.AsyncExitStack() as committing:
            for connection in connections.values():
                await committing.enter_async_context(connection.transaction())
            if await connections["identity"].fetchval(_IS_SEEDED, population.customer_number(0)):
                raise AlreadySeeded
            await _seed_customers(wanted, there_are, connections, steps)
            await _seed_sites(wanted, there_are, connections, now, steps)
        for number, connection in enumerate(connections.values()):
            steps.step("statistics", number, len(connections))
            await _vacuum_analyze(connection)
        steps.step("statistics", len(connections), len(connections))


@contextlib.asynccontextmanager
async def _connections(databases: Mapping[str, str]) -> AsyncIterator[dict[str, DatabaseConnection]]:
    """Open a connection to each database, without a timeout for idle transactions."""
    async with contextlib.AsyncExitStack() as closing:
        connections = dict[str, DatabaseConnection]()
        for service in SERVICES:
            connection = await open_connection(databases[service], name="kierto seed")
            closing.push_async_callback(connection.close)
            await connection.execute("SET idle_in_transaction_session_timeout = 0; SET synchronous_commit = off")
            connections[service] = connection
        yield connections


async def _seed_customers(
    wanted: SeedRequest, there_are: Population, connections: Mapping[str, DatabaseConnection], steps: ProgressReporter
) -> None:
    identity = connections["identity"]
    password_hash = await Argon2Passwords().hash(wanted.password)
    everyone = list(accounts.users(there_are, password_hash))
    for block in _blocks(there_are.organisations):
        organisations = [population.organisation(number) for number in block]
        invoiced = list(invoices(organisations, block.start, wanted.clock.today()))
        await copy_all(identity, rows_of_customers(organisations, [], invoiced))
        await copy_all(connections["sites"], rows_of_organisations(organisations))
        await copy_all(connections["stats"], [*rows_of_organisations(organisations), *rows_of_invoices(invoiced)])
        steps.step("organisations", block.stop, there_are.organisations)
    partners = accounts.partners()
    await copy_all(identity, rows_of_partners(partners, wanted.pepper, wanted.password))
    others = [connection for connection in connections.values() if connection is not identity]
    for block in _blocks(len(everyone)):
        users = everyone[block.start : block.stop]
        await copy_all(identity, rows_of_customers([], users, []))
        await copy_access(identity, others, await state_access(identity, users))
        steps.step("users", block.stop, len(everyone))
    await copy_access(identity, others, await state_access(identity, partners))


async def _seed_sites(
    wanted: SeedRequest,
    there_are: Population,
    connections: Mapping[str, DatabaseConnection],
    now: dt.datetime,
    steps: ProgressReporter,
) -> None:
    sites, orders, stats, support = (connections[one] for one in ("sites", "orders", "stats", "support"))
    zone, trade = wanted.clock.zone, ReferenceData()
    log = SeededEventLog(now, now - dt.datetime.now(dt.UTC))
    historian = HistoryGenerator(there_are, trade, await _insert_reference_data(orders, trade), now, zone)
    await log.begin(orders)
    for block in _blocks(there_are.sites):
        steps.step("sites", block.start, there_are.sites)
        histories = [historian.at(place) for place in block]
        async with asyncio.TaskGroup() as copying:
            copying.create_task(_copy_orders(orders, histories, log, zone))
            copying.create_task(copy_all(stats, rows_of_pickups(histories, zone)))
            copying.create_task(copy_all(sites, rows_of_sites(histories)))
            copying.create_task(_copy_tickets(support, histories, zone))
            copying.create_task(copy_all(connections["identity"], rows_of_site_copies(histories)))
    steps.step("sites", there_are.sites, there_are.sites)
    await log.end(orders)


async def _copy_orders(
    orders: DatabaseConnection, histories: Sequence[SiteHistory], log: SeededEventLog, zone: dt.tzinfo
) -> None:
    rows = await rows_of_orders(histories, orders, zone)
    await copy_all(orders, [*rows, log.rows_of_events(histories)])


async def _copy_tickets(support: DatabaseConnection, histories: Sequence[SiteHistory], zone: dt.tzinfo) -> None:
    await copy_all(support, await rows_of_tickets(histories, support, zone))


async def _insert_reference_data(orders: DatabaseConnection, trade: ReferenceData) -> dict[str, uuid.UUID]:
    """Keep what the trade follows, unless it is there already; the articles' ids by number."""
    articles = enumerate(trade.article_by_number)
    await orders.executemany(_NEW_ARTICLE, [(seeded_id("article", n, FOUNDED), number) for n, number in articles])
    stored_articles = PostgresArticleRepository(orders)
    await stored_articles.save(trade.articles)
    await PostgresRouteRepository(orders).save(trade.routes)
    await PostgresHolidayRepository(orders).save(trade.holiday_rows)
    await PostgresRuleRepository(orders).save(trade.rules)
    return await stored_articles.ids(list(trade.article_by_number))


async def _vacuum_analyze(connection: DatabaseConnection) -> None:
    """Bring the planner's statistics and the visibility maps to what was copied, as in a database that runs."""
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    await connection.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")


def _blocks(count: int) -> Iterator[range]:
    return (range(first, min(first + BLOCK_SIZE, count)) for first in range(0, count, BLOCK_SIZE))
