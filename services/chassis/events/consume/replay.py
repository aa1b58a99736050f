"""Replay of dead letters: by a command, and of parked events by a worker whose build knows them."""

from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from services.chassis.db.postgres import TRANSIENT_DATABASE_ERRORS, Pool
from services.chassis.events.consume import dead_letters, inbox
from services.chassis.events.consume.dead_letters import DeadLetter
from services.chassis.events.consume.handlers import Handlers, handle_events
from services.chassis.events.envelope import RawRecord, UnknownEvent, decode_event
from services.chassis.events.transaction import Transaction, UnitOfWork
from services.chassis.telemetry.logging import logger

_log = logger(__name__)

T = TypeVar("T", bound=Transaction)

_PAGE_SIZE = 100


class StillUnknown(Exception):
    """The event that was to be replayed is not known to this build."""

    def __init__(self, event_type: str, reason: str) -> None:
        super().__init__(f"this build does not know {event_type}: {reason}")
        self.reason = reason


class Replayer(Generic[T]):
    """Replays dead letters. ``record_failed`` is called with each parked event that fails, and the reason."""

    def __init__(
        self, handlers: Handlers[T], pool: Pool, work: UnitOfWork[T], record_failed: Callable[[RawRecord, str], None]
    ) -> None:
        self._handlers = handlers
        self._pool = pool
        self._work = work
        self._record_failed = record_failed
        self._inbox_partitions = inbox.InboxPartitions(pool)
        self._unknown_subjects: set[tuple[str, str]] = set()
        """Topic and subject of events that stay parked: this build was found not to know them."""

    async def replay(self, letter: DeadLetter) -> AsyncIterator[DeadLetter]:
        """Replay a dead letter and all of its subject, in order, one transaction each; yield each that is done.

        Raises the error of the first one that fails, StillUnknown if it is parked; it and the later ones remain.
        """
        while True:
            async with self._pool.acquire() as connection:
                next_letter = await dead_letters.next_to_replay(connection, letter)
            if next_letter is None:
                return
            if await self._replay_one(next_letter):
                yield next_letter

    async def replay_parked(self) -> None:
        """Replay the parked events that this build knows. One that fails becomes a failed dead letter."""
        after, failed = 0, set[tuple[str, str]]()
        while True:
            async with self._pool.acquire() as connection:
                letters = await dead_letters.replayable_page(connection, after, _PAGE_SIZE, self._unknown_subjects)
            for letter in letters:
                after = letter.id
                subject = (letter.record.topic, letter.record.subject)
                if subject in self._unknown_subjects or subject in failed:
                    continue
                try:
                    await self._replay_one(letter)
                except TRANSIENT_DATABASE_ERRORS:
                    raise
                except StillUnknown:
                    self._unknown_subjects.add(subject)
                except Exception as error:
                    failed.add(subject)
                    self._record_failed(letter.record, str(error))
                else:
                    _log.info("parked event handled", type=letter.record.type, id=letter.record.event_id)
            if len(letters) < _PAGE_SIZE:
                return

    async def _replay_one(self, letter: DeadLetter) -> bool:
        """Replay one dead letter; False if another replay did it before."""
        try:
            event = decode_event(letter.record)
            if isinstance(event, UnknownEvent):
                raise StillUnknown(letter.record.type, event.reason)
            await self._inbox_partitions.ensure([event.written_at.date()])
            async with self._work() as tx:
                await dead_letters.lock_subjects(tx.connection, [letter.record.topic], [letter.record.subject])
                if not await dead_letters.delete(tx.connection, letter):
                    return False
                # A duplicate may have taken effect meanwhile, in a build that knew its type.
                if not await inbox.mark_processed(tx.connection, [(event.written_at, event.id)]):
                    await handle_events(self._handlers, tx, [event])
            return True
        except TRANSIENT_DATABASE_ERRORS:
            self._inbox_partitions.clear_cache()
            raise
        except StillUnknown as error:
            async with self._work() as tx:
                await dead_letters.park(tx.connection, letter, error.reason)
            raise
        except Exception as error:
            self._inbox_partitions.clear_cache()
            async with self._work() as tx:
                await dead_letters.update_failed(tx.connection, letter, f"{type(error).__name__}: {error}")
            raise
