"""Dispatch of a batch of events to the handlers of their types, in order."""

import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import asyncpg
from opentelemetry.trace import SpanKind

from services.chassis.db import tombstones
from services.chassis.events.envelope import ReceivedEvent
from services.chassis.events.transaction import Transaction
from services.chassis.telemetry import spans, tracing
from services.contracts.declare import Event, is_stated

T = TypeVar("T", bound=Transaction)
T_contra = TypeVar("T_contra", bound=Transaction, contravariant=True)
E = TypeVar("E", bound=Event)

HandleEvent = Callable[[T, ReceivedEvent[Any]], Awaitable[None]]
HandleBatch = Callable[[T, Sequence[ReceivedEvent[Any]]], Awaitable[None]]


class BatchHandler(Generic[T]):
    """A handler of several consecutive events at once."""

    def __init__(self, handle: HandleBatch[T]) -> None:
        self.handle = handle


def batch_handler(handle: HandleBatch[T]) -> BatchHandler[T]:
    """Register a handler that takes several events at once."""
    return BatchHandler(handle)


Handlers = Mapping[type[Event], HandleEvent[T] | BatchHandler[T]]


class HandlerFailed(Exception):
    """A handler raised an error of connections while its database connection was intact."""


async def handle_events(handlers: Handlers[T], tx: T, events: Sequence[ReceivedEvent[Any]]) -> None:
    """Call the handler of each event, in order; a type without a handler has no effect.

    A BatchHandler gets all consecutive events that it handles (not counting those without a handler), so that the order
    holds across types, too. A stated event about a thing that was erased here has no effect either: it may be older
    than the erasure, or of an owner whose database was restored.
    """
    handled = [event for event in events if event.type.struct in handlers]
    if stated := {event.subject for event in handled if is_stated(event.type.name)}:
        erased = await tombstones.find_ids(tx.connection, stated)
        handled = [event for event in handled if not (event.subject in erased and is_stated(event.type.name))]
    for handler, run in itertools.groupby(handled, key=lambda event: handlers[event.type.struct]):
        if isinstance(handler, BatchHandler):
            batch = list(run)
            with _batch_spans(batch):
                await _run_handler(tx, handler.handle(tx, batch))
        else:
            for event in run:
                with tracing.trace(event.traceparent), _event_span(event):
                    await _run_handler(tx, handler(tx, event))


def _event_span(event: ReceivedEvent[Any]) -> spans.SpanBlock:
    if spans.SpanRecording.tracer is None:
        return spans.NO_SPAN
    topic = event.type.topic
    attributes = {**spans.messaging_attributes("process", topic), "cloudevents.event_type": event.type.name}
    return spans.work_span(f"process {topic}", SpanKind.CONSUMER, event.traceparent, attributes)


def _batch_spans(batch: Sequence[ReceivedEvent[Any]]) -> contextlib.AbstractContextManager[object]:
    """Run the handler of several events as a child of the first; with spans, open one in the trace of each."""
    if spans.SpanRecording.tracer is None:
        return tracing.trace(batch[0].traceparent)
    topic, parents = batch[0].type.topic, [event.traceparent for event in batch]
    attributes = spans.messaging_attributes("process", topic, len(batch))
    return spans.batch_spans(f"process {topic}", SpanKind.CONSUMER, parents, attributes)


async def _run_handler(tx: Transaction, handling: Awaitable[None]) -> None:
    try:
        await handling
    except TimeoutError:
        # asyncpg raises it for a statement that takes too long, which is not the event's fault.
        raise
    except (OSError, asyncpg.InterfaceError) as error:
        # With a lost connection these are transient, and retried for ever. But a handler does no input or output of its
        # own, and asyncpg raises InterfaceError for invalid values and calls, too: with an intact connection the event
        # would stop the worker for ever.
        if tx.connection.is_closed():
            raise
        raise HandlerFailed(f"{type(error).__name__}: {error}") from error
