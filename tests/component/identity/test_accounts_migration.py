"""Users of an earlier build have a verified address after the migration, and names that look alike stay."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.chassis.db.migrations import CHASSIS_MIGRATIONS, migrate
from services.chassis.ids import new_uuid
from services.identity.app import IDENTITY
from services.identity.domain.names import look_alike_key, username_key
from services.identity.domain.scripts import LOOK_ALIKES
from tests.support.servers import Servers

EARLIER_USER = """
    INSERT INTO users
    VALUES ($1, $2, $3, 'a@example.fi', 'fi', 'x', false, true, 1, NULL, NULL, now() - make_interval(days => $4))
"""


@pytest.fixture
async def earlier(server_addresses: Servers, tmp_path: Path) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A database with the tables of identity as they were before verified addresses."""
    name = f"test_{new_uuid().hex}"
    admin = await asyncpg.connect(server_addresses.database_url("postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    for file in IDENTITY.migrations.glob("000[1-8]_*.sql"):
        shutil.copy(file, tmp_path)
    migrate(server_addresses.database_url(name), [CHASSIS_MIGRATIONS, tmp_path])
    connection = await asyncpg.connect(server_addresses.database_url(name))
    yield connection
    await connection.close()
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def test_users_of_an_earlier_build(earlier: "asyncpg.Connection[Any]", server_addresses: Servers) -> None:
    # The oldest first; the last two have all letters that look like another.
    names = ["paypa", "\u0440\u0430\u0443\u0440\u0430", "mirja 10", "mirja lo"]
    names += ["".join(map(chr, LOOK_ALIKES)), "".join(map(chr, LOOK_ALIKES.values())) + " x"]
    for age, name in enumerate(reversed(names)):
        await earlier.execute(EARLIER_USER, new_uuid(), name, username_key(name), age)
    database = await earlier.fetchval("SELECT current_database()")
    migrate(server_addresses.database_url(database), [CHASSIS_MIGRATIONS, IDENTITY.migrations])
    rows = await earlier.fetch("SELECT * FROM users ORDER BY created_at")
    assert all(row["email_verified_at"] == row["created_at"] for row in rows)
    assert all(row["account_version"] == 1 for row in rows)
    keys = {row["username"]: row["look_alike_key"] for row in rows}
    expected = {name: look_alike_key(username_key(name)) for name in names}
    assert keys == expected | {names[1]: None, names[3]: None}
