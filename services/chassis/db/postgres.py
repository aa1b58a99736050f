"""Connections to a service's PostgreSQL database."""

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
    asyncpg.InternalClientError,  # a connection that was cut off in the middle of a message
    asyncpg.PostgresConnectionError,  # class 08
    asyncpg.IdleInTransactionSessionTimeoutError,  # of class 25, only the errors that a server or its operator causes
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionTimeoutError,
    asyncpg.InvalidAuthorizationSpecificationError,  # class 28, and
    asyncpg.InvalidCatalogNameError,  # class 3D: while a database is restored from a backup
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.InsufficientResourcesError,  # class 53: disk full, out of memory, too many connections
    asyncpg.ObjectNotInPrerequisiteStateError,  # class 55: a lock that was not available
    asyncpg.OperatorInterventionError,  # class 57: cancelled, shut down, started up
    asyncpg.PostgresSystemError,  # class 58: input and output
)
"""Errors that a retry may overcome: a lost connection, a deadlock, a full disk, a restart.

The comments name PostgreSQL's classes of error codes (appendix A of its manual).
"""

INVALID_TEXT_ERRORS = (asyncpg.CharacterNotInRepertoireError,)
"""Errors of a text with a NUL character, the only one that PostgreSQL's ``text`` can't hold."""


_SETTINGS = {
    "timezone": "UTC",
    # A process that stopped inside a transaction (a frozen machine, a network partition) holds its locks until the
    # server ends the session: before Kafka assigns its partitions to another worker.
    "idle_in_transaction_session_timeout": "8s",
    # A read takes milliseconds, and the start of parallel workers as long again.
    "max_parallel_workers_per_gather": "0",
    # A statement is planned once a connection: every plan uses an index (the tests read the plans), and planning takes
    # longer (0.6 ms) than most reads. By default the server would plan each execution in a large database, and cache
    # the plan in a small one.
    "plan_cache_mode": "force_generic_plan",
}


class _PooledConnection(asyncpg.Connection[asyncpg.Record] if TYPE_CHECKING else asyncpg.Connection):  # type: ignore[misc]
    """A connection that returns to its pool without a reset, which would be a round trip a request.

    No code sets session state, only state of its transaction: ``tests/unit/repository/test_session_state.py`` checks.
    """

    def get_reset_query(self) -> str:
        """Return no statement."""
        return ""


async def open_pool(url: str, *, name: str, size: int) -> Pool:
    """Open a pool of at most ``size`` connections with the application name ``name``; wait for the server."""
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
    """Open a connection outside of a pool, for LISTEN or a lease; it can't go through a transaction pooler."""
    connection = await asyncpg.connect(url, server_settings={**_SETTINGS, "application_name": name})
    await _configure(connection)
    return connection


async def _configure(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    # jsonb values are texts, which msgspec decodes into types, where asyncpg would make dicts. The format is binary
    # (version 1 and the text), because COPY takes no other.
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda text: b"\x01" + text.encode(),
        decoder=lambda packed: bytes(packed[1:]).decode(),
        format="binary",
    )
