"""The owner of a service's database: for rows and tables that no process of the service may change."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from services.chassis.db.postgres import Pool, open_connection
from tests.support import servers
from tests.support.servers import as_owner


@contextlib.asynccontextmanager
async def owner_of(pool: Pool) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to a pool's database as its owner, for the length of a block."""
    name = await pool.fetchval("SELECT current_database()")
    connection = await open_connection(as_owner(servers.find().database_url(name)), name="owner")
    try:
        yield connection
    finally:
        await connection.close()


async def execute_as_owner(pool: Pool, statement: str, *values: object) -> str:
    """Execute a statement on a pool's database as its owner; return its command tag."""
    async with owner_of(pool) as owner:
        return await owner.execute(statement, *values)
