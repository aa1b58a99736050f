"""Neither old events, a rebuild nor a restored owner bring an erased user or customer back to a copy."""

import uuid

from services.chassis.db.sensitive import erase_person
from services.chassis.ids import write_id
from tests.integration.copies.services_fixture import ServicesFixture
from tests.support.owner import execute_as_owner, owner_of
from tests.support.polling import until

KEEPERS = ("sites", "orders", "stats", "support")
FORGET = """
    TRUNCATE chassis.positions, chassis.inbox;
    TRUNCATE access.subjects CASCADE;
    DELETE FROM organisations
"""
"""The service has lost its positions and copies: it reads its topics again from their first record."""


async def test_an_erased_user_and_customer_stay_erased(stopped_services: ServicesFixture) -> None:
    services = stopped_services
    identity = services.harnesses["identity"]
    async with services.run():
        await services.fill()
    membership = await identity.pool.fetchrow("SELECT * FROM memberships ORDER BY user_id LIMIT 1")
    assert membership is not None
    user_id, organisation_id = membership["user_id"], membership["organisation_id"]
    user = await identity.pool.fetchrow("SELECT * FROM users WHERE id = $1", user_id)
    assert user is not None
    await erase_everywhere(services, user_id, organisation_id)

    for name in KEEPERS:
        statements = FORGET if name in ("sites", "stats") else FORGET.replace("DELETE FROM organisations", "")
        await execute_as_owner(services.harnesses[name].pool, statements)
    async with services.run():
        await until(lambda: have_read_again(services))
        assert await kept(services, user_id, organisation_id) == []

        # Identity was restored from an older backup: the user is there again, the tombstones are not.
        await identity.pool.execute("DELETE FROM chassis.tombstones")
        for table, row in (("users", user), ("memberships", membership)):
            places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
            await identity.pool.execute(f"INSERT INTO {table} VALUES ({places})", *row)
        results = await services.rebuild_all()
        assert {result.dead_letters for result in results.values()} == {0}
        assert await kept(services, user_id, organisation_id) == []
        await erase_everywhere(services, user_id, organisation_id)
        assert await identity.pool.fetchval("SELECT count(*) FROM users WHERE id = $1", user_id) == 0


async def erase_everywhere(services: ServicesFixture, user_id: uuid.UUID, organisation_id: uuid.UUID) -> None:
    number = await services.harnesses["identity"].pool.fetchval(
        "SELECT customer_number FROM organisations WHERE id = $1", organisation_id
    )
    for harness in services.harnesses.values():
        async with owner_of(harness.pool) as owner, owner.transaction():
            for person_id, key in ((write_id("user", user_id), None), (write_id("org", organisation_id), number)):
                await erase_person(owner, harness.blueprint.all_sensitive, person_id, key)


async def have_read_again(services: ServicesFixture) -> bool:
    """Return whether the keepers have the others of the three users, one of staff, two partners and three customers."""
    subjects = [await count(services, name, "access.subjects") for name in KEEPERS]
    customers = [await count(services, name, "organisations") for name in ("sites", "stats")]
    return subjects == [5] * 4 and customers == [2] * 2


async def count(services: ServicesFixture, name: str, table: str) -> int:
    counted: int = await services.harnesses[name].pool.fetchval(f"SELECT count(*) FROM {table}")
    return counted


async def kept(services: ServicesFixture, user_id: uuid.UUID, organisation_id: uuid.UUID) -> list[str]:
    """Return the copies that have the user or the customer."""
    found = []
    for name in KEEPERS:
        pool = services.harnesses[name].pool
        if await pool.fetchval("SELECT count(*) FROM access.subjects WHERE subject_id = $1", write_id("user", user_id)):
            found.append(f"{name}: access")
        if name in ("sites", "stats") and await pool.fetchval(
            "SELECT count(*) FROM organisations WHERE id = $1", organisation_id
        ):
            found.append(f"{name}: organisations")
    return found
