"""The unit of work: a change, its events, jobs, mails, audit entries and idempotency record in one transaction."""

import contextlib
import datetime as dt
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from opentelemetry.trace import SpanKind

from services.chassis import mail
from services.chassis.audit import entry as audit
from services.chassis.audit.entry import AuditEntry
from services.chassis.db import idempotency, imported_values, tombstones
from services.chassis.db.idempotency import ReadAgain
from services.chassis.db.imported_values import ImportedValues
from services.chassis.db.postgres import DatabaseConnection, Pool
from services.chassis.events import outbox
from services.chassis.events.outbox import TracedEvent
from services.chassis.files import file_rows
from services.chassis.jobs import fan_out, queue
from services.chassis.jobs.job import Job
from services.chassis.runtime.clock import Clock
from services.chassis.telemetry import spans, tracing
from services.contracts.audit import AuditRecorded
from services.contracts.declare import Event
from services.contracts.imports import ImportFinished
from services.contracts.values import Conflict, Id, Outcome, Refusal, Value

A = TypeVar("A", bound=Outcome)
V = TypeVar("V")

_SPAN_ATTRIBUTES = {"db.system.name": "postgresql", "db.operation.name": "TRANSACTION"}


class Transaction:
    """A database transaction with the events, the jobs and the audit entries to write at its end."""

    audit_event: ClassVar[type[AuditRecorded] | None] = None
    """The service's event of an audit entry."""
    import_event: ClassVar[type[ImportFinished] | None] = None
    """The service's event of an import that has ended."""

    def __init__(self, connection: DatabaseConnection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self.now: dt.datetime = clock.now()
        """The time at which the transaction began."""
        self.today: dt.date = self.now.astimezone(clock.zone).date()
        """The date at which the transaction began, in the clock's zone."""
        self._events: list[TracedEvent] = []
        self._jobs: list[tuple[Job, str | None, bool]] = []
        """Jobs, each with the ``traceparent`` of the work that caused it, and whether it is unique."""
        self._audit_entries: list[tuple[AuditEntry, str | None]] = []
        """Entries, each with the ``traceparent`` of the work that caused it."""

    def emit(self, event: Event) -> None:
        """Write an event to the outbox at the end of the transaction; the entity that changed must be locked before.

        The event belongs to the present work's trace: that of the handled event, where one transaction handles several.
        """
        self._events.append(TracedEvent(event, tracing.current()))

    def enqueue(self, job: Job, *, unique: bool = False) -> None:
        """Write a job to the queue at the end of the transaction; it runs after the commit.

        A ``unique`` one is left out if the queue has it already.
        """
        self._jobs.append((job, tracing.current(), unique))

    def audit(self, entry: AuditEntry) -> None:
        """Write an entry to the audit log, and its event, at the end of the transaction.

        A sensitive read answers after it.
        """
        self._audit_entries.append((entry, tracing.current()))

    async def start_fan_out(self, kind: str, subject: str) -> None:
        """Start the events of all things that this change concerns; its row must be locked (see ``jobs.fan_out``)."""
        self.enqueue(await fan_out.start_fan_out(self.connection, kind, subject))

    async def send_mail(self, message: mail.MailMessage) -> None:
        """Enqueue a mail, which is sent after this transaction is committed."""
        self.enqueue(await mail.enqueue(self.connection, message))

    async def withdraw_mails(self, ids: Sequence[uuid.UUID]) -> None:
        """Have mails that were not sent yet never sent."""
        await mail.withdraw(self.connection, ids)

    async def keep_file(self, file_id: uuid.UUID, *, owner: Id, expires_at: dt.datetime | None) -> None:
        """Keep an uploaded file of this thing, until it expires or is deleted; raise UnknownFile."""
        self.enqueue(await file_rows.keep(self.connection, file_id, owner, expires_at))

    async def delete_file(self, file_id: uuid.UUID, *, owner: Id) -> None:
        """Delete a file of this thing; raise UnknownFile."""
        self.enqueue(await file_rows.delete(self.connection, file_id, owner))

    async def execute_once(
        self,
        *,
        organisation: str,
        caller: str,
        operation: str,
        command: Value,
        do: Callable[[], Awaitable[A | Refusal]],
        ids: Callable[[A], Sequence[Id]],
        read_again: Mapping[type[A], ReadAgain[A]],
    ) -> A | Refusal:
        """Execute a command with an idempotency key, or read its first outcome again (see ``db.idempotency``)."""
        outcome = await self.change_once(
            organisation=organisation,
            caller=caller,
            operation=operation,
            command=command,
            do=do,
            ids=ids,
            read_again=read_again,
        )
        assert not isinstance(outcome, Conflict), "the command names no version"
        return outcome

    async def change_once(
        self,
        *,
        organisation: str,
        caller: str,
        operation: str,
        command: Value,
        do: Callable[[], Awaitable[A | Conflict | Refusal]],
        ids: Callable[[A], Sequence[Id]],
        read_again: Mapping[type[A], ReadAgain[A]],
    ) -> A | Conflict | Refusal:
        """Execute a command that names a version of what it changes, as ``execute_once`` does any other."""
        before = self._counts()
        outcome = await idempotency.execute_once(
            self.connection,
            organisation=organisation,
            caller=caller,
            operation=operation,
            command=command,
            do=do,
            ids=ids,
            read_again=read_again,
        )
        if isinstance(outcome, Conflict | Refusal):
            self._undo_after(before)
        return outcome

    async def try_out(self, do: Callable[[], Awaitable[V]]) -> V:
        """Return the result of ``do``, and undo its effects, events, jobs and audit entries."""
        before = self._counts()
        savepoint = self.connection.transaction()
        await savepoint.start()
        try:
            return await do()
        finally:
            await savepoint.rollback()
            self._undo_after(before)

    async def erased_keys(self, prefix: str, keys: Collection[str]) -> frozenset[str]:
        """Return those of an import's keys that belong to erased things, whose ids have this prefix."""
        return await tombstones.find_keys(self.connection, prefix, keys)

    async def imported_values(self, kind: str, keys: Collection[str]) -> Mapping[str, ImportedValues]:
        """Return what is remembered of the imports of a kind's records, by their numbers."""
        return await imported_values.find(self.connection, kind, keys)

    async def remember_imported(self, kind: str, imported: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember the imported values of records, as JSON by field, by the records' numbers."""
        await imported_values.remember(self.connection, kind, imported)

    async def note_change(self, kind: str, key: str, fields: Collection[str]) -> None:
        """Note that fields of an imported record were changed here, for leads that ask which change is later.

        No command changes an imported field yet.
        """
        await imported_values.note_change(self.connection, kind, key, fields, self.now)

    async def flush(self) -> tuple[bool, bool]:
        """Write events, jobs and audit entries; return whether there were events and jobs. Called once, at the end."""
        await self._write_audit_entries()
        events, self._events = self._events, []
        await outbox.write(self.connection, events, self.now)
        jobs, self._jobs = self._jobs, []
        for unique, group in itertools.groupby(jobs, key=lambda entry: entry[2]):
            entries = list(group)
            await queue.enqueue(
                self.connection,
                [job for job, _, _ in entries],
                unique=unique,
                traceparents=[traceparent for _, traceparent, _ in entries],
            )
        return bool(events), bool(jobs)

    async def _write_audit_entries(self) -> None:
        entries, self._audit_entries = self._audit_entries, []
        ids = await audit.write(self.connection, [entry for entry, _ in entries], self.now)
        if self.audit_event is not None:
            for entry_id, (entry, traceparent) in zip(ids, entries, strict=True):
                event = audit.recorded_event(self.audit_event, entry_id, self.now, entry)
                self._events.append(TracedEvent(event, traceparent))

    async def announce_audit(self, after: uuid.UUID, limit: int) -> Sequence[uuid.UUID]:
        """Emit the events of the audit entries with the next ids again, and return the ids."""
        assert self.audit_event is not None, "the service has no event of its audit entries"
        entries = await audit.page(self.connection, after, limit)
        for entry_id, at, entry in entries:
            self.emit(audit.recorded_event(self.audit_event, entry_id, at, entry))
        return [entry_id for entry_id, _, _ in entries]

    def _counts(self) -> tuple[int, int, int]:
        return len(self._events), len(self._jobs), len(self._audit_entries)

    def _undo_after(self, before: tuple[int, int, int]) -> None:
        events, jobs, audit_entries = before
        del self._events[events:], self._jobs[jobs:], self._audit_entries[audit_entries:]


T = TypeVar("T", bound=Transaction)
T_co = TypeVar("T_co", covariant=True)


class UnitOfWork(Protocol[T_co]):
    """``async with work() as tx:`` begins a transaction and commits it at the end of the block."""

    def __call__(self) -> contextlib.AbstractAsyncContextManager[T_co]: ...


class PostgresUnitOfWork(Generic[T]):
    """The unit of work on the service's database.

    After a commit it calls ``notify_relay`` if there were events, and ``notify_jobs`` if there were jobs. Without
    them relay and runners find both a little later.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        make: Callable[[DatabaseConnection, Clock], T],
        notify_relay: Callable[[], None] = lambda: None,
        notify_jobs: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._make = make
        self._notify_relay = notify_relay
        self._notify_jobs = notify_jobs

    @contextlib.asynccontextmanager
    async def __call__(self) -> AsyncIterator[T]:
        with spans.part_span("TRANSACTION", SpanKind.CLIENT, _SPAN_ATTRIBUTES):
            async with self._pool.acquire() as connection, connection.transaction():
                transaction = self._make(connection, self._clock)
                yield transaction
                has_events, has_jobs = await transaction.flush()
        if has_events:
            self._notify_relay()
        if has_jobs:
            self._notify_jobs()
