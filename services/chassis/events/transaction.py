"""The unit of work: one change, its events, its mails and its kept answer, all in one database transaction."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from services.chassis import mail
from services.chassis.db import idempotency
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.events import outbox
from services.chassis.runtime.clock import Clock
from services.contracts.declare import Event
from services.contracts.values import Outcome, Refusal, Value

A = TypeVar("A", bound=Outcome)


class Transaction:
    """What a use case holds while it makes a change. ``now`` and ``today`` stand still for its length."""

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self.now: dt.datetime = clock.now()
        self.today: dt.date = self.now.astimezone(clock.zone).date()
        self._events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Announce what was changed, after the thing that changed was locked. The only way to publish."""
        self._events.append(event)

    async def send_mail(self, letter: mail.MailMessage) -> None:
        """Have a mail sent once this transaction is committed."""
        await mail.enqueue(self.connection, letter)

    async def execute_once(
        self,
        *,
        organisation: str,
        caller: str,
        operation: str,
        command: Value,
        answer: type[A],
        do: Callable[[], Awaitable[A | Refusal]],
        remember: Callable[[A], A] = lambda given: given,
    ) -> A | Refusal:
        """Do a command with an idempotency key, or give its first answer again (see idempotency.once)."""
        before = len(self._events)
        given = await idempotency.execute_once(
            self.connection,
            organisation=organisation,
            caller=caller,
            operation=operation,
            command=command,
            answer=answer,
            do=do,
            remember=remember,
        )
        if isinstance(given, Refusal):
            del self._events[before:]
        return given

    async def flush(self) -> bool:
        """Write what was emitted; whether there was anything. Called once, at the end."""
        events, self._events = self._events, []
        await outbox.write(self.connection, events, self.now)
        return bool(events)


T = TypeVar("T", bound=Transaction)
T_co = TypeVar("T_co", covariant=True)


class UnitOfWork(Protocol[T_co]):
    """``async with work() as tx:`` begins a change and commits it at the end of the block."""

    def __call__(self) -> contextlib.AbstractAsyncContextManager[T_co]: ...


class PostgresUnitOfWork(Generic[T]):
    """The unit of work on the service's database. ``wake`` is called after a commit that announced something."""

    def __init__(
        self, pool: Pool, clock: Clock, make: Callable[[DatabaseConnection, Clock], T], wake: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._make = make
        self._wake = wake

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[T]:
        async with self._pool.acquire() as connection, connection.transaction():
            transaction = self._make(connection, self._clock)
            yield transaction
            announced = await transaction.flush()
        if announced:
            self._wake()
