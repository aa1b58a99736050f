"""Tests of `kierto rebuild`: damaged copies become equal to their owners' rows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from services.chassis.events.copies import rebuild
from services.chassis.events.copies.rebuild import RebuildInProgress
from services.chassis.ids import new_uuid, write_id
from services.contracts.declare import event_type_of
from services.contracts.sites import SiteStated
from tests.integration.copies.services_fixture import COPY_QUERIES, SERVICES, SITE_HEADER, ServicesFixture
from tests.support.polling import until
from tests.support.servers import Servers

# Damage of tables: wrong values and versions, missing rows, and rows that no owner has.
DAMAGE = {
    "identity": """
        UPDATE invoices SET customer_number = '62-0000009-00', version = version + 1000 WHERE invoice_number < '5';
        DELETE FROM invoices WHERE invoice_number = '7';
        UPDATE sites SET organisation_id = gen_random_uuid(), version = version + 1000;
        INSERT INTO sites VALUES (gen_random_uuid(), gen_random_uuid(), 1);
        INSERT INTO invoices VALUES (gen_random_uuid(), '62-0000000-00', '999', '2030-01-01', 1);
        UPDATE access.grants SET billing = NOT billing;
        INSERT INTO access.subjects VALUES ('user_nobody', 'STAFF', 1, true, '{}');
        INSERT INTO access.grants VALUES ('user_nobody', NULL, 'ADMIN', true, NULL, NULL)
    """,
    "sites": """
        UPDATE organisations SET customer_number = '62-0000009-00' WHERE customer_number = '62-0000001-00';
        DELETE FROM organisations WHERE customer_number = '62-0000002-00';
        DELETE FROM access.subjects WHERE kind = 'PARTNER'
    """,
    "orders": """
        UPDATE sites SET municipality = 'HELSINKI', organisation_id = gen_random_uuid(), version = version + 1000
            WHERE site_number = '50';
        UPDATE sites SET version = version - 1, area = '' WHERE site_number = '51';
        UPDATE containers SET litres = 1, version = version + 1000;
        DELETE FROM containers WHERE container_number LIKE 'D7%';
        INSERT INTO sites VALUES (gen_random_uuid(), gen_random_uuid(), '999', '', '', '', 7);
        DELETE FROM access.grants
    """,
    "stats": """
        UPDATE pickups SET grams = grams * 10, version = version + 1000 WHERE grams > 1030;
        DELETE FROM pickups WHERE grams < 1010;
        UPDATE volumes SET grams = 1 WHERE grams BETWEEN 1010 AND 1020;
        DELETE FROM volumes WHERE grams BETWEEN 1020 AND 1025;
        INSERT INTO volumes
            VALUES (gen_random_uuid(), '2026-01-01', gen_random_uuid(), gen_random_uuid(), 'GLASS', 9, 9);
        UPDATE organisations SET version = 1000000
    """,
    "support": """
        UPDATE sites SET site_number = 'x' || site_number, version = version + 1000 WHERE site_number < '75';
        DELETE FROM sites WHERE site_number > '80';
        UPDATE access.subjects SET active = false, version = version + 1000
    """,
}


async def test_damage_is_repaired(services: ServicesFixture) -> None:
    before = await services.copies()
    for name, statements in DAMAGE.items():
        await services.harnesses[name].pool.execute(statements)
    assert len(await services.differences()) == len(COPY_QUERIES), "every copy is damaged"
    emitted = await _count_other_events(services)

    results = await services.rebuild_all()

    assert await services.copies() == before
    assert await services.differences() == []
    assert {name: rebuilt.purged.deleted for name, rebuilt in results.items()} == {
        "identity": 3,
        "sites": 0,
        "orders": 1,
        "stats": 0,
        "support": 0,
    }
    assert {rebuilt.dead_letters for rebuilt in results.values()} == {0}
    assert await _count_other_events(services) == emitted, "only announcements were emitted"
    for harness in services.harnesses.values():
        assert await harness.pool.fetchval("SELECT count(*) FROM chassis.mail") == 0


async def test_lost_copies_are_restored_although_the_log_has_expired(
    services: ServicesFixture, server_addresses: Servers
) -> None:
    before = await services.copies()
    await _expire_logs(services, server_addresses)
    for blueprint in SERVICES:
        name = services.urls[blueprint.name].rpartition("/")[2]
        connection = await asyncpg.connect(server_addresses.database_url(name))
        # As after a loss of the rows: references to them dangle.
        await connection.execute("SET session_replication_role = replica")
        for copy in blueprint.copies:
            await connection.execute(f"DELETE FROM {copy.table}")
        await connection.execute("DELETE FROM access.grants")
        await connection.close()
    await services.harnesses["stats"].pool.execute("DELETE FROM volumes")

    await services.rebuild_all()

    assert await services.copies() == before
    await services.report(1, 500)
    await services.await_equal()


async def test_a_rebuild_of_correct_copies_changes_nothing_and_may_be_repeated(services: ServicesFixture) -> None:
    before = await services.copies()
    for _ in range(2):
        result = await services.rebuild("orders")
        assert (result.purged.deleted, result.purged.placeholders, result.dead_letters) == (0, 0, 0)
    assert await services.copies() == before


async def test_copies_are_rebuilt_under_a_load_and_never_read_wrong(services: ServicesFixture) -> None:
    grams = await _grams(services)
    async with _load(services) as reported:
        watched = asyncio.create_task(_check_reads(services, grams))
        for name in ("stats", "orders", "support", "sites", "identity", "stats"):
            before = len(reported)
            await services.rebuild(name)
            assert len(reported) > before, "the load went on meanwhile"
        watched.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watched
    await services.await_equal()


async def test_damage_is_repaired_under_a_load(services: ServicesFixture) -> None:
    for name in ("identity", "sites", "stats", "support"):
        await services.harnesses[name].pool.execute(DAMAGE[name])
    await services.harnesses["orders"].pool.execute("UPDATE containers SET litres = 1, version = version + 1000")
    async with _load(services) as reported:
        await services.rebuild_all()
        assert reported
    await services.await_equal()


async def test_an_interrupted_rebuild_is_repeated(services: ServicesFixture) -> None:
    before = await services.copies()
    for name in ("stats", "orders"):
        await services.harnesses[name].pool.execute(DAMAGE[name])
    rebuilding_stats = asyncio.create_task(services.rebuild("stats"))
    stats = services.harnesses["stats"].pool
    await until(lambda: stats.fetchval("SELECT EXISTS (SELECT 1 FROM pickups WHERE doubted)"))
    rebuilding_stats.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await rebuilding_stats
    await services.rebuild("stats")
    await services.rebuild("orders")
    assert await services.copies() == before


async def test_two_rebuilds_of_one_service_do_not_mix(services: ServicesFixture) -> None:
    async with services.harnesses["orders"].pool.acquire() as connection, rebuild.rebuild_lock(connection):
        with pytest.raises(RebuildInProgress):
            await services.rebuild("orders")
        await services.rebuild("support")
    await services.rebuild("orders")


async def test_rows_unknown_to_the_owner_are_deleted_unless_referenced(services: ServicesFixture) -> None:
    orders, sites = services.harnesses["orders"].pool, services.harnesses["sites"].pool
    # As after the loss of sites' newest rows: an agreement in orders refers to a site that sites no longer has.
    (lost,) = await sites.fetch("SELECT id FROM sites WHERE site_number = '60'")
    await sites.execute("DELETE FROM containers WHERE site_id = $1", lost["id"])
    await sites.execute("DELETE FROM sites WHERE id = $1", lost["id"])
    await sites.execute("DELETE FROM containers WHERE container_number = 'D75'")
    await sites.execute("DELETE FROM sites WHERE site_number = '75'")

    result = await services.rebuild("orders")

    assert (result.purged.deleted, result.purged.placeholders) == (2, 2)
    rows = await orders.fetch("SELECT site_number, version, doubted FROM sites WHERE version = 0")
    assert [tuple(row) for row in rows] == [("60", 0, False)]
    assert await orders.fetchval("SELECT count(*) FROM containers WHERE container_number IN ('C4', 'D75')") == 1


async def test_nothing_is_purged_while_its_event_is_quarantined(services: ServicesFixture) -> None:
    support = services.harnesses["support"].pool
    subject = write_id("site", await support.fetchval("SELECT id FROM sites WHERE site_number = '70'"))
    await support.execute(
        """
        INSERT INTO chassis.dead_letters
            (state, topic, partition, "offset", event_id, type, subject, key, headers, value, reason)
        VALUES ('FAILED', $1, 0, 0, $2, $3, $4, NULL, '{}', '', 'it fails by itself')
        """,
        services.topic("sites"),
        str(new_uuid()),
        event_type_of(SiteStated).name,
        subject,
    )
    before = await services.copies()
    result = await services.rebuild("support")
    assert result.dead_letters == 2, "the one that failed, and the announcement that waits behind it"
    assert result.purged.deleted == 0
    assert await support.fetchval("SELECT site_number FROM sites WHERE doubted") == "70"
    await support.execute("DELETE FROM chassis.dead_letters")
    assert (await services.rebuild("support")).dead_letters == 0
    assert await services.copies() == before


@contextlib.asynccontextmanager
async def _load(services: ServicesFixture) -> AsyncIterator[list[int]]:
    """Send reports, changes of sites and new users for the length of the block."""
    reported: list[int] = []
    stop = asyncio.Event()
    organisations = await services.harnesses["identity"].pool.fetch("SELECT id FROM organisations ORDER BY id")

    async def work() -> None:
        while not stop.is_set():
            await services.report(len(reported), 100 + len(reported))
            reported.append(len(reported))
            if len(reported) % 10 == 0:
                await services.add_user(organisations[len(reported) % len(organisations)]["id"])
                row = f"N{len(reported)},62-0000000-00,Katu,45100,KOUVOLA,KOUVOLA,KELTAKANGAS,BUSINESS,24,A\n"
                await services.import_files("sites", sites=f"{SITE_HEADER}{row}")

    task = asyncio.create_task(work())
    try:
        yield reported
    finally:
        stop.set()
        await task


async def _check_reads(services: ServicesFixture, grams: int) -> None:
    """Check that readers see unchanged data all the time: no fact and no access is missing for a moment."""
    subjects = await services.harnesses["orders"].pool.fetchval("SELECT count(*) FROM access.subjects")
    while True:
        assert await _grams(services) == grams
        for name in services.harnesses:
            assert await services.harnesses[name].pool.fetchval("SELECT count(*) FROM access.subjects") >= subjects
        assert await services.harnesses["orders"].pool.fetchval("SELECT count(*) FROM sites WHERE version = 0") == 0
        await asyncio.sleep(0)


async def _grams(services: ServicesFixture) -> int:
    return int(
        await services.harnesses["stats"].pool.fetchval("SELECT sum(grams) FROM volumes WHERE day < '2026-01-01'")
    )


async def _count_other_events(services: ServicesFixture) -> int:
    """Count the events that are not announcements."""
    statement = "SELECT count(*) FROM chassis.outbox WHERE type NOT LIKE '%.stated'"
    return sum([await harness.pool.fetchval(statement) for harness in services.harnesses.values()])


async def _expire_logs(services: ServicesFixture, servers: Servers) -> None:
    """Delete all but the last events of every log, from the outbox and from the broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    try:
        for blueprint in SERVICES:
            pool = services.harnesses[blueprint.name].pool
            await pool.execute(
                "DELETE FROM chassis.outbox WHERE sequence NOT IN"
                " (SELECT max(sequence) FROM chassis.outbox GROUP BY partition)"
            )
            if await pool.fetchval("SELECT true FROM chassis.outbox"):
                rows = await pool.fetch('SELECT partition, max("offset") AS last FROM chassis.published GROUP BY 1')
                offsets = {
                    TopicPartition(services.topic(blueprint.name), row["partition"]): RecordsToDelete(row["last"])
                    for row in rows
                }
                await admin.delete_records(offsets)
    finally:
        await admin.close()
