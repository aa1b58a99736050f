"""Declarations of operations and events in contracts, from which the chassis makes routes, clients and topics."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import msgspec

from services.contracts.permission import Permission
from services.contracts.values import Value

OperationKind = Literal["read", "write"]


class Operation(msgspec.Struct, frozen=True):
    """Properties of an operation beside its signature."""

    kind: OperationKind
    """A ``read`` changes nothing and may be retried freely; a ``write`` may be retried only with an idempotency key."""
    permission: Permission | None
    """The callers of the operation; None for a public one."""
    open: bool = False
    """Whether a public operation needs no token at all."""

    @property
    def public(self) -> bool:
        """Whether the operation has no signed-in caller (sign-in, for one): the gateway calls it with its own token."""
        return self.permission is None


Method = TypeVar("Method", bound=Callable[..., Any])


def read(permission: Permission) -> Callable[[Method], Method]:
    """Declare an operation that changes nothing."""
    return _declare(Operation("read", permission))


def write(permission: Permission) -> Callable[[Method], Method]:
    """Declare an operation that changes something."""
    return _declare(Operation("write", permission))


def public_write(method: Method) -> Method:
    """Declare a write that only the gateway may call, for an anonymous client."""
    return _declare(Operation("write", None))(method)


def open_read(method: Method) -> Method:
    """Declare a read that needs no token."""
    return _declare(Operation("read", None, open=True))(method)


def open_write(method: Method) -> Method:
    """Declare a write that needs no token."""
    return _declare(Operation("write", None, open=True))(method)


def _declare(operation: Operation) -> Callable[[Method], Method]:
    def declare(method: Method) -> Method:
        cast(Any, method).__operation__ = operation
        return method

    return declare


class Event(Value, frozen=True, kw_only=True):
    """An event's data: ids, states, amounts and dates, but never codes, names, contacts or free text.

    A field that is added has a default: the events of the last 90 days lack it.
    """


class EventType(msgspec.Struct, frozen=True):
    """The declaration of an event."""

    name: str
    """The CloudEvents ``type``."""
    service: str
    """The service that publishes the event."""
    subject: str
    """The field with the id of the event's subject."""
    site: str | None
    """The field with the id of the site that the event is about; None if it is about none."""
    public: bool
    """Whether partners see the event."""
    struct: type[Event]

    @property
    def topic(self) -> str:
        """The Kafka topic of the event."""
        return topic_of(self.service)


def topic_of(service: str) -> str:
    """Return the topic on which a service publishes its events."""
    return f"kierto.{service}.events.v1"


def partners_topic_of(service: str) -> str:
    """Return the topic with a service's public events, for partners that consume from Kafka directly."""
    return f"kierto.{service}.partners.v1"


def is_stated(event_type: str) -> bool:
    """Return whether an event of this CloudEvents ``type`` carries a thing as it is now, for those who keep copies."""
    return event_type.endswith(".stated")


E = TypeVar("E", bound=type[Event])

_by_struct: dict[type[Event], EventType] = {}
_by_name: dict[str, EventType] = {}


def declare_event(name: str, *, subject: str, site: str | None = None, public: bool = False) -> Callable[[E], E]:
    """Declare an event: ``name`` is ``<service>.<entity>.<past participle>``, ``subject`` the field with its id.

    ``site`` is the field with the id of the site that it is about: it is shown to those who reach this site. An event
    without one is shown to those alone who reach all of its organisation.
    One named ``<service>.<entity>.stated`` is keyed by its subject, all others by their organisation, and is internal.
    """
    if public and is_stated(name):
        raise TypeError(f"{name} can't be public: a stated event is for copies")

    def register(struct: E) -> E:
        event_type = EventType(name, name.split(".", maxsplit=1)[0], subject, site, public, struct)
        if name in _by_name:
            raise TypeError(f"two events have the name {name}")
        _by_struct[struct] = _by_name[name] = event_type
        return struct

    return register


def event_type_of(event: Event | type[Event]) -> EventType:
    """Return the declaration of an event."""
    return _by_struct[event if isinstance(event, type) else type(event)]


def event_type_named(name: str) -> EventType | None:
    """Return the declaration with a CloudEvents ``type``; None if this build does not know it."""
    return _by_name.get(name)


def known_events() -> list[str]:
    """Return the CloudEvents ``type`` of every event that this build knows."""
    return list(_by_name)


def events_of(service: str) -> list[EventType]:
    """Return every event that a service publishes, in the order of declaration."""
    return [event_type for event_type in _by_name.values() if event_type.service == service]
