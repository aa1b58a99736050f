"""Which use case an event goes to, and how a batch of events is handed to them in order."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg

from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.transaction import Transaction
from services.chassis.telemetry import tracing
from services.contracts.declare import Event

T = TypeVar("T", bound=Transaction)
T_contra = TypeVar("T_contra", bound=Transaction, contravariant=True)
E = TypeVar("E", bound=Event)

HandleEvent = Callable[[T, ReceivedEvent[Any]], Awaitable[None]]
HandleBatch = Callable[[T, Sequence[ReceivedEvent[Any]]], Awaitable[None]]


class BatchHandler(Generic[T]):
    """A handler that is given events of its type together, in their order: one or many."""

    def __init__(self, handle: HandleBatch[T]) -> None:
        self.handle = handle


def batch_handler(handle: HandleBatch[T]) -> BatchHandler[T]:
    """Say in a service's handlers that this one takes several events at once."""
    return BatchHandler(handle)


Handlers = Mapping[type[Event], HandleEvent[T] | BatchHandler[T]]


class HandlerFailed(Exception):
    """A handler raised what is the surroundings' fault elsewhere; here they are well, so it is its own."""


async def handle_events(handlers: Handlers[T], tx: T, events: Sequence[ReceivedEvent[Any]]) -> None:
    """Give each event to its use case, in order; a type that is not listened to has no effect.

    Events with one handler that follow each other (those not listened to left out) go together to it if it takes
    several: so the order is kept, across types too.
    """
    listened = [event for event in events if event.type.struct in handlers]
    for handler, run in itertools.groupby(listened, key=lambda event: handlers[event.type.struct]):
        if isinstance(handler, BatchHandler):
            together = list(run)
            with tracing.trace(together[0].traceparent):
                await _run_handler(tx, handler.handle(tx, together))
        else:
            for event in run:
                with tracing.trace(event.traceparent):
                    await _run_handler(tx, handler(tx, event))


async def _run_handler(tx: Transaction, handling: Awaitable[None]) -> None:
    try:
        await handling
    except TimeoutError:
        # The database's driver raises it of a statement that takes too long, which says nothing of the event.
        raise
    except (OSError, asyncpg.InterfaceError) as error:
        # Of a lost connection these are no one's fault, and tried again for ever. But a handler has nothing to do with
        # files and networks, and the driver also complains so of a value or a call that can't be: where the connection
        # is well, the event would stop the worker for ever.
        if tx.connection.is_closed():
            raise
        raise HandlerFailed(f"{type(error).__name__}: {error}") from error
