"""The base of every service's transaction ports: the operations that all use cases share."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from services.chassis.audit.entry import AuditEntry
from services.chassis.db.idempotency import ReadAgain
from services.chassis.db.imported_values import ImportedValues
from services.chassis.jobs.job import Job
from services.chassis.mail import MailMessage
from services.chassis.runtime.clock import Clock
from services.contracts.declare import Event
from services.contracts.values import Conflict, Id, Outcome, Refusal, Value

A = TypeVar("A", bound=Outcome)


class TransactionPort(Protocol):
    """A transaction as a use case sees it. ``Transaction`` implements it."""

    clock: Clock
    now: dt.datetime
    """The time at which the transaction began."""
    today: dt.date
    """The date at which the transaction began, in the clock's zone."""

    def emit(self, event: Event) -> None:
        """Write an event to the outbox at the end of the transaction; the entity that changed must be locked before."""
        ...

    def enqueue(self, job: Job, *, unique: bool = False) -> None:
        """Write a job to the queue at the end of the transaction; it runs after the commit.

        A ``unique`` one is left out if the queue has it already.
        """
        ...

    def audit(self, entry: AuditEntry) -> None:
        """Write an entry to the audit log at the end of the transaction: a sensitive read answers after it."""
        ...

    async def start_fan_out(self, kind: str, subject: str) -> None:
        """Start the events of all things that this change concerns; its row must be locked (see ``jobs.fan_out``)."""
        ...

    async def send_mail(self, message: MailMessage) -> None:
        """Enqueue a mail, which is sent after this transaction is committed."""
        ...

    async def withdraw_mails(self, ids: Sequence[uuid.UUID]) -> None:
        """Have mails that were not sent yet never sent."""
        ...

    async def keep_file(self, file_id: uuid.UUID, *, owner: Id, expires_at: dt.datetime | None) -> None:
        """Keep an uploaded file of this thing, until it expires or is deleted; raise UnknownFile."""
        ...

    async def delete_file(self, file_id: uuid.UUID, *, owner: Id) -> None:
        """Delete a file of this thing; raise UnknownFile."""
        ...

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
        ...

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
        ...

    async def erased_keys(self, prefix: str, keys: Collection[str]) -> frozenset[str]:
        """Return those of an import's keys that belong to erased things, whose ids have this prefix."""
        ...

    async def imported_values(self, kind: str, keys: Collection[str]) -> Mapping[str, ImportedValues]:
        """Return what is remembered of the imports of a kind's records, by their numbers."""
        ...

    async def remember_imported(self, kind: str, imported: Mapping[str, Mapping[str, Any]]) -> None:
        """Remember the imported values of records, as JSON by field, by the records' numbers."""
        ...

    async def note_change(self, kind: str, key: str, fields: Collection[str]) -> None:
        """Note that fields of an imported record were changed here, for leads that ask which change is later."""
        ...
