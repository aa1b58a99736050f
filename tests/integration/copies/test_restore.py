"""Tests of a restored database: the service announces its things, and all copies follow."""

from collections.abc import Awaitable, Callable
from functools import partial

from services.chassis.db.postgres import Pool
from services.chassis.events.publish.restore_detection import RESTORE_VERSION_INCREMENT as LEAP
from tests.integration.copies.backup import Backup
from tests.integration.copies.services_fixture import INVOICES, ORGANISATIONS, SITE_HEADER, SITE_ROWS, ServicesFixture
from tests.support.polling import until
from tests.support.servers import Servers

NEW_SITES = SITE_HEADER + "".join(
    f"N{n},62-0000001-00,Uusi {n},45100,KOUVOLA,KOUVOLA,KESKUSTA,HOUSE,1,A\n" for n in range(3)
)


async def test_copies_follow_a_restored_owner_that_announces(
    stopped_services: ServicesFixture, server_addresses: Servers, open_pool: Callable[[str], Awaitable[Pool]]
) -> None:
    services = stopped_services
    backup = Backup(services, server_addresses, open_pool)
    owners = {"identity": "users", "sites": "containers", "orders": "pickups", "stats": "invoices"}
    async with services.run():
        await services.fill()
        await services.report(1, 500)
        await services.await_equal()
    for name in owners:
        await backup.make(name)
    async with services.run():
        for attempt in range(3):  # versions that the restored databases do not have
            await services.import_files("identity", organisations=ORGANISATIONS.replace("Asiakas", f"Nimi {attempt}"))
            await services.import_files(
                "sites", sites=SITE_ROWS.replace("KOUVOLA,KELTAKANGAS", f"KOUVOLA,ALUE {attempt}")
            )
            await services.report(51 + 50 * attempt, 600 + attempt)
        await services.import_files("stats", invoices=INVOICES.replace("2026-01-31", "2026-02-01"))
        await services.add_user(None)
        await services.import_files("sites", sites=NEW_SITES)
        await services.report(2, 700)
        await services.await_equal()

    for name in owners:
        await backup.restore(name)
    async with services.run():
        for name, table in owners.items():
            await until(partial(services.rows, name, f"SELECT true FROM {table} WHERE version > {LEAP} LIMIT 1"))
            await services.announce(name)
        # Copies of the owners' rows are right everywhere; rows that the owners lost are still in the copies.
        await services.await_equal(known=True)
        assert await services.differences() != []
        for name in services.harnesses:
            await services.rebuild(name)
        await services.await_equal()
        sites = await services.rows("orders", "SELECT site_number FROM sites WHERE site_number LIKE 'N%'")
        assert sites == []
        await services.report(3, 800)
        await services.await_equal()
    await backup.delete()
