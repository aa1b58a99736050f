"""Which use case an event goes to, and how a batch of events is handed to them in order."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg

from services.chassis import tracing
from services.chassis.envelope import Received
from services.chassis.transaction import Transaction
from services.contracts.declare import Event

T = TypeVar("T", bound=Transaction)
T_contra = TypeVar("T_contra", bound=Transaction, contravariant=True)
E = TypeVar("E", bound=Event)

One = Callable[[T, Received[Any]], Awaitable[None]]
Several = Callable[[T, Sequence[Received[Any]]], Awaitable[None]]


class Together(Generic[T]):
    """A handler that is given events of its type together, in their order: one or many."""

    def __init__(self, handle: Several[T]) -> None:
        self.handle = handle


def together(handle: Several[T]) -> Together[T]:
    """Say in a service's handlers that this one takes several events at once."""
    return Together(handle)


Handlers = Mapping[type[Event], One[T] | Together[T]]


class HandlerFailed(Exception):
    """A handler raised what is the surroundings' fault elsewhere; here they are well, so it is its own."""


async def hand_over(handlers: Handlers[T], tx: T, events: Sequence[Received[Any]]) -> None:
    """Give each event to its use case, in order; a type that is not listened to has no effect.

    Events with one handler that follow each other (those not listened to left out) go together to it if it takes
    several: so the order is kept, across types too.
    """
    listened = [event for event in events if event.type.struct in handlers]
    for handler, run in itertools.groupby(listened, key=lambda event: handlers[event.type.struct]):
        if isinstance(handler, Together):
            together = list(run)
            with tracing.trace(together[0].traceparent):
                await _watched(tx, handler.handle(tx, together))
        else:
            for event in run:
                with tracing.trace(event.traceparent):
                    await _watched(tx, handler(tx, event))


async def _watched(tx: Transaction, handling: Awaitable[None]) -> None:
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
