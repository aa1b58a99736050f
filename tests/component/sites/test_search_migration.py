"""A database of an earlier build gets the searched texts of its sites by the migration."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.chassis.db.migrations import CHASSIS_MIGRATIONS, migrate
from services.chassis.db.search_words import searched_text
from services.chassis.ids import new_uuid
from services.sites.app import SITES
from tests.support.servers import Servers

EARLIER_SITE = """
    INSERT INTO sites (id, site_number, organisation_id, street, postal_code, city, municipality, area, property_type,
        dwellings, billed_to, contact_name, version, sort_address, sort_city, search)
    VALUES ($1, $2, $3, 'Mäntytie 14 B', '01300', 'VANTAA', 'VANTAA', 'TIKKURILA', 'HOUSE', 1, 'Aino Heinö', $4, 1,
        'x', 'x', 'mäntytie 14 b 01300 vantaa')
"""


@pytest.fixture
async def earlier(server_addresses: Servers, tmp_path: Path) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A database with the tables of sites as they were before the search by words."""
    name = f"test_{new_uuid().hex}"
    admin = await asyncpg.connect(server_addresses.database_url("postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    for file in SITES.migrations.glob("000[1-4]_*.sql"):
        shutil.copy(file, tmp_path)
    migrate(server_addresses.database_url(name), [CHASSIS_MIGRATIONS, tmp_path])
    connection = await asyncpg.connect(server_addresses.database_url(name))
    yield connection
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_sites_of_an_earlier_build_are_found(
    earlier: "asyncpg.Connection[Any]", server_addresses: Servers
) -> None:
    known, unknown = new_uuid(), new_uuid()
    await earlier.execute("INSERT INTO organisations VALUES ($1, '62-0000001-00', 1)", known)
    for number, organisation_id, contact in (("50", known, "Eino Strauß"), ("51", unknown, None)):
        await earlier.execute(EARLIER_SITE, new_uuid(), number, organisation_id, contact)
    name = await earlier.fetchval("SELECT current_database()")
    migrate(server_addresses.database_url(name), [CHASSIS_MIGRATIONS, SITES.migrations])
    rows = await earlier.fetch("SELECT search, search_even | search_odd AS signature FROM sites ORDER BY site_number")
    assert [row["search"] for row in rows] == [
        searched_text("Mäntytie 14 B 01300 VANTAA 50 Aino Heinö Eino Strauß 62-0000001-00"),
        searched_text("Mäntytie 14 B 01300 VANTAA 51 Aino Heinö"),
    ]
    assert all(row["signature"] for row in rows)
