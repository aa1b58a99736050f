"""The unit of work: a change, its events, its mails and its idempotency record in one database transaction."""

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
    """A database transaction with the events to emit at its end."""

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self.now: dt.datetime = clock.now()
        """The time at which the transaction began."""
        self.today: dt.date = self.now.astimezone(clock.zone).date()
        """The date at which the transaction began, in the clock's zone."""
        self._events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Write an event to the outbox at the end of the transaction; the entity that changed must be locked before."""
        self._events.append(event)

    async def send_mail(self, message: mail.MailMessage) -> None:
        """Enqueue a mail, which is sent after this transaction is committed."""
        await mail.enqueue(self.connection, message)

    async def execute_once(
        self,
        *,
        organisation: str,
        caller: str,
        operation: str,
        command: Value,
        answer: type[A],
        do: Callable[[], Awaitable[A | Refusal]],
        remember: Callable[[A], A] = lambda outcome: outcome,
    ) -> A | Refusal:
        """Execute a command with an idempotency key, or return its first outcome again (see ``db.idempotency``)."""
        events_before = len(self._events)
        outcome = await idempotency.execute_once(
            self.connection,
            organisation=organisation,
            caller=caller,
            operation=operation,
            command=command,
            answer=answer,
            do=do,
            remember=remember,
        )
        if isinstance(outcome, Refusal):
            del self._events[events_before:]
        return outcome

    async def flush(self) -> bool:
        """Write the emitted events to the outbox; return whether there were any. Called once, at the end."""
        events, self._events = self._events, []
        await outbox.write(self.connection, events, self.now)
        return bool(events)


T = TypeVar("T", bound=Transaction)
T_co = TypeVar("T_co", covariant=True)


class UnitOfWork(Protocol[T_co]):
    """``async with work() as tx:`` begins a transaction and commits it at the end of the block."""

    def __call__(self) -> contextlib.AbstractAsyncContextManager[T_co]: ...


class PostgresUnitOfWork(Generic[T]):
    """The unit of work on the service's database. It calls ``notify`` after each commit that wrote events."""

    def __init__(
        self, pool: Pool, clock: Clock, make: Callable[[DatabaseConnection, Clock], T], notify: Callable[[], None]
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._make = make
        self._notify = notify

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[T]:
        async with self._pool.acquire() as connection, connection.transaction():
            transaction = self._make(connection, self._clock)
            yield transaction
            has_events = await transaction.flush()
        if has_events:
            self._notify()
