"""Connections to the service's own PostgreSQL database."""

import asyncio
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    DatabaseConnection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    DatabaseConnection = asyncpg.Connection
    Pool = asyncpg.Pool

Row = asyncpg.Record

TRANSIENT_DATABASE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what the driver says of a connection that was cut off in the middle of a word
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.IdleInTransactionSessionTimeoutError,  # of class 25, only what a server or its operator does
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28, and
    asyncpg.InvalidCatalogNameError,  # class 3D: while a database is put back from its backup
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.InsufficientResourcesError,  # class 53: disk full, out of memory, too many connections
    asyncpg.ObjectNotInPrerequisiteStateError,  # class 55: a lock that was not to be had
    asyncpg.OperatorInterventionError,  # class 57: cancelled, shut down, started up
    asyncpg.PostgresSystemError,  # class 58: input and output
)
"""Failures of the surroundings (a lost connection, a deadlock, a full disk, a restart): tried again.

The comments name PostgreSQL's classes of error codes (appendix A of its manual).
"""

INVALID_TEXT_ERRORS = (asyncpg.CharacterNotInRepertoireError,)
"""What a text with a NUL character ends in: PostgreSQL's text holds every character but that one."""


_SETTINGS = {
    "timezone": "UTC",
    # A process that was stopped in the middle of a transaction (a frozen machine, a cut network) holds its locks until
    # the server ends it: within the time in which the group gives its partitions to another worker.
    "idle_in_transaction_session_timeout": "8s",
    # A read takes milliseconds, and to start workers for it as long again.
    "max_parallel_workers_per_gather": "0",
    # A statement is planned once a connection, not for each of its values: every plan goes by an index (the tests read
    # them), and to make one takes longer (0.6 ms) than most reads take to be answered. Left to itself, the server would
    # plan each time in a large database and keep the plan in a small one.
    "plan_cache_mode": "force_generic_plan",
}


class _PooledConnection(asyncpg.Connection[asyncpg.Record] if TYPE_CHECKING else asyncpg.Connection):  # type: ignore[misc]
    """A connection that is given back as it is.

    What is set by whom it was lent to ends with the transaction: nothing here sets anything for a session, and
    ``tests/unit/house`` sees to it. To make sure again each time would be one more round trip a request.
    """

    def get_reset_query(self) -> str:
        return ""


async def open_pool(url: str, *, name: str, size: int) -> Pool:
    """A pool of at most ``size`` connections, once the server is there, which knows them by ``name``."""
    while True:
        try:
            return await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=size,
                command_timeout=30,
                init=_configure,
                connection_class=_PooledConnection,
                server_settings={**_SETTINGS, "application_name": name, "jit": "off"},
            )
        except TRANSIENT_DATABASE_ERRORS:
            await asyncio.sleep(0.2)


async def open_connection(url: str, *, name: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection of its own, for LISTEN and the like: never through a transaction pooler."""
    connection = await asyncpg.connect(url, server_settings={**_SETTINGS, "application_name": name})
    await _configure(connection)
    return connection


async def _configure(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    # jsonb comes and goes as text: msgspec turns it into typed values, not asyncpg into dicts. On the wire it is its
    # version (1) and the text; binary, because COPY takes nothing else.
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda text: b"\x01" + text.encode(),
        decoder=lambda packed: bytes(packed[1:]).decode(),
        format="binary",
    )
