"""`kierto rebuild`: whatever became of a service's copies, they end as what the owners have, row by row."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from services.chassis import rebuilding
from services.chassis.ids import new_uuid, write_id
from services.chassis.rebuilding import RebuildingAlready
from services.contracts.declare import event_type_of
from services.contracts.sites import SiteStated
from tests.integration.copies.house import SERVICES, SITE_HEADER, TRUTHS, House
from tests.support.servers import Servers
from tests.support.wait import until

# What goes wrong with a table: values, versions, rows that are gone, and rows that no owner knows.
DAMAGE = {
    "identity": """
        UPDATE invoices SET customer_number = '62-0000009-00', version = version + 1000 WHERE invoice_number < '5';
        DELETE FROM invoices WHERE invoice_number = '7';
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


async def test_damage_is_mended(house: House) -> None:
    before = await house.copies()
    for name, statements in DAMAGE.items():
        await house.benches[name].pool.execute(statements)
    assert len(await house.differences()) == len(TRUTHS), "every copy is damaged"
    emitted = await _others_emitted(house)

    rebuilt = await house.rebuild_all()

    assert await house.copies() == before
    assert await house.differences() == []
    assert {name: one.let_go.deleted for name, one in rebuilt.items()} == {
        "identity": 2,
        "sites": 0,
        "orders": 1,
        "stats": 0,
        "support": 0,
    }
    assert {one.set_aside for one in rebuilt.values()} == {0}
    assert await _others_emitted(house) == emitted, "nothing was announced but what was stated again"
    for bench in house.benches.values():
        assert await bench.pool.fetchval("SELECT count(*) FROM chassis.mail") == 0


async def test_copies_that_were_lost_entirely_come_back_though_the_log_is_gone(
    house: House, server_addresses: Servers
) -> None:
    before = await house.copies()
    await _expire_logs(house, server_addresses)
    for blueprint in SERVICES:
        async with house.benches[blueprint.name].pool.acquire() as connection, connection.transaction():
            # As when the rows are lost: what refers to them refers to nothing now.
            await connection.execute("SET LOCAL session_replication_role = replica")
            for copy in blueprint.copies:
                await connection.execute(f"DELETE FROM {copy.table}")
            await connection.execute("DELETE FROM access.grants")
    await house.benches["stats"].pool.execute("DELETE FROM volumes")

    await house.rebuild_all()

    assert await house.copies() == before
    await house.report(1, 500)
    await house.settled()


async def test_a_rebuild_of_what_is_right_changes_nothing_and_may_be_repeated(house: House) -> None:
    before = await house.copies()
    for _ in range(2):
        rebuilt = await house.rebuild("orders")
        assert (rebuilt.let_go.deleted, rebuilt.let_go.placeholders, rebuilt.set_aside) == (0, 0, 0)
    assert await house.copies() == before


async def test_copies_are_rebuilt_under_a_load_and_never_read_wrong(house: House) -> None:
    grams = await _grams(house)
    async with _load(house) as reported:
        watched = asyncio.create_task(_watch(house, grams))
        for name in ("stats", "orders", "support", "sites", "identity", "stats"):
            before = len(reported)
            await house.rebuild(name)
            assert len(reported) > before, "the load went on meanwhile"
        watched.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watched
    await house.settled()


async def test_damage_is_mended_under_a_load(house: House) -> None:
    for name in ("identity", "sites", "stats", "support"):
        await house.benches[name].pool.execute(DAMAGE[name])
    await house.benches["orders"].pool.execute("UPDATE containers SET litres = 1, version = version + 1000")
    async with _load(house) as reported:
        await house.rebuild_all()
        assert reported
    await house.settled()


async def test_a_rebuild_that_was_broken_off_is_begun_anew(house: House) -> None:
    before = await house.copies()
    for name in ("stats", "orders"):
        await house.benches[name].pool.execute(DAMAGE[name])
    rebuilding_stats = asyncio.create_task(house.rebuild("stats"))
    stats = house.benches["stats"].pool
    await until(lambda: stats.fetchval("SELECT EXISTS (SELECT 1 FROM pickups WHERE doubted)"))
    rebuilding_stats.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await rebuilding_stats
    await house.rebuild("stats")
    await house.rebuild("orders")
    assert await house.copies() == before


async def test_two_rebuilds_of_one_service_do_not_mix(house: House) -> None:
    async with house.benches["orders"].pool.acquire() as connection, rebuilding.alone(connection):
        with pytest.raises(RebuildingAlready):
            await house.rebuild("orders")
        await house.rebuild("support")
    await house.rebuild("orders")


async def test_what_no_owner_knows_goes_unless_something_refers_to_it(house: House) -> None:
    orders, sites = house.benches["orders"].pool, house.benches["sites"].pool
    # As after the loss of sites' newest rows: orders has an agreement about what sites does not know any more.
    (gone,) = await sites.fetch("SELECT id FROM sites WHERE site_number = '60'")
    await sites.execute("DELETE FROM containers WHERE site_id = $1", gone["id"])
    await sites.execute("DELETE FROM sites WHERE id = $1", gone["id"])
    await sites.execute("DELETE FROM containers WHERE container_number = 'D75'")
    await sites.execute("DELETE FROM sites WHERE site_number = '75'")

    rebuilt = await house.rebuild("orders")

    assert (rebuilt.let_go.deleted, rebuilt.let_go.placeholders) == (2, 2)
    rows = await orders.fetch("SELECT site_number, version, doubted FROM sites WHERE version = 0")
    assert [tuple(row) for row in rows] == [("60", 0, False)]
    assert await orders.fetchval("SELECT count(*) FROM containers WHERE container_number IN ('C4', 'D75')") == 1


async def test_nothing_is_let_go_while_what_states_it_is_set_aside(house: House) -> None:
    support = house.benches["support"].pool
    subject = write_id("site", await support.fetchval("SELECT id FROM sites WHERE site_number = '70'"))
    await support.execute(
        """
        INSERT INTO chassis.dead_letters
            (state, topic, partition, "offset", event_id, type, subject, key, headers, value, reason)
        VALUES ('FAILED', $1, 0, 0, $2, $3, $4, NULL, '{}', '', 'it fails by itself')
        """,
        house.topic("sites"),
        str(new_uuid()),
        event_type_of(SiteStated).name,
        subject,
    )
    before = await house.copies()
    rebuilt = await house.rebuild("support")
    assert rebuilt.set_aside == 2, "the one that failed, and the statement that waits behind it"
    assert rebuilt.let_go.deleted == 0
    assert await support.fetchval("SELECT site_number FROM sites WHERE doubted") == "70"
    await support.execute("DELETE FROM chassis.dead_letters")
    assert (await house.rebuild("support")).set_aside == 0
    assert await house.copies() == before


@contextlib.asynccontextmanager
async def _load(house: House) -> AsyncIterator[list[int]]:
    """Reports, changes of sites and new users go on for the length of the block."""
    reported: list[int] = []
    stop = asyncio.Event()
    organisations = await house.benches["identity"].pool.fetch("SELECT id FROM organisations ORDER BY id")

    async def work() -> None:
        while not stop.is_set():
            await house.report(len(reported), 100 + len(reported))
            reported.append(len(reported))
            if len(reported) % 10 == 0:
                await house.add_user(organisations[len(reported) % len(organisations)]["id"])
                row = f"N{len(reported)},62-0000000-00,Katu,45100,KOUVOLA,KOUVOLA,KELTAKANGAS,BUSINESS,24,A\n"
                await house.take_in("sites", sites=f"{SITE_HEADER}{row}")

    working = asyncio.create_task(work())
    try:
        yield reported
    finally:
        stop.set()
        await working


async def _watch(house: House, grams: int) -> None:
    """What readers see of what does not change stays: no fact is missing for a moment, no one loses access."""
    subjects = await house.benches["orders"].pool.fetchval("SELECT count(*) FROM access.subjects")
    while True:
        assert await _grams(house) == grams
        for name in house.benches:
            assert await house.benches[name].pool.fetchval("SELECT count(*) FROM access.subjects") >= subjects
        assert await house.benches["orders"].pool.fetchval("SELECT count(*) FROM sites WHERE version = 0") == 0
        await asyncio.sleep(0)


async def _grams(house: House) -> int:
    return int(await house.benches["stats"].pool.fetchval("SELECT sum(grams) FROM volumes WHERE day < '2026-01-01'"))


async def _others_emitted(house: House) -> int:
    """How many events there are beside those that state things."""
    statement = "SELECT count(*) FROM chassis.outbox WHERE type NOT LIKE '%.stated'"
    return sum([await bench.pool.fetchval(statement) for bench in house.benches.values()])


async def _expire_logs(house: House, servers: Servers) -> None:
    """The first days of every log are gone, from the outbox and from the broker: all but the last events."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    try:
        for blueprint in SERVICES:
            pool = house.benches[blueprint.name].pool
            await pool.execute(
                "DELETE FROM chassis.outbox WHERE sequence NOT IN"
                " (SELECT max(sequence) FROM chassis.outbox GROUP BY partition)"
            )
            if await pool.fetchval("SELECT true FROM chassis.outbox"):
                rows = await pool.fetch('SELECT partition, max("offset") AS last FROM chassis.published GROUP BY 1')
                places = {
                    TopicPartition(house.topic(blueprint.name), row["partition"]): RecordsToDelete(row["last"])
                    for row in rows
                }
                await admin.delete_records(places)
    finally:
        await admin.close()
