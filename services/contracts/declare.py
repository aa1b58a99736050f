"""How a contract declares its operations and its events; the chassis makes routes, clients and topics from it."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import msgspec

from services.contracts.values import Value

OperationKind = Literal["read", "write"]


class Operation(msgspec.Struct, frozen=True):
    """What is said of an operation beside its signature.

    A ``read`` changes nothing and may be repeated freely; a ``write`` may be repeated only with its idempotency key.
    A ``public`` one is called in nobody's name: sign-in and its like. The gateway calls it for a stranger and shows its
    own token; an ``open`` one needs not even that.
    """

    kind: OperationKind
    public: bool = False
    open: bool = False


Method = TypeVar("Method", bound=Callable[..., Any])


def read(method: Method) -> Method:
    """Mark an operation that changes nothing."""
    cast(Any, method).__operation__ = Operation("read")
    return method


def write(method: Method) -> Method:
    """Mark an operation that changes something."""
    cast(Any, method).__operation__ = Operation("write")
    return method


def public_write(method: Method) -> Method:
    """Mark a write that the gateway alone may ask for, for a stranger."""
    cast(Any, method).__operation__ = Operation("write", public=True)
    return method


def open_read(method: Method) -> Method:
    """Mark a read that needs no token at all."""
    cast(Any, method).__operation__ = Operation("read", public=True, open=True)
    return method


def open_write(method: Method) -> Method:
    """Mark a write that needs no token at all."""
    cast(Any, method).__operation__ = Operation("write", public=True, open=True)
    return method


class Event(Value, frozen=True, kw_only=True):
    """What a service announces. Ids, states, amounts and dates; never codes, names, contacts or free text."""


class EventType(msgspec.Struct, frozen=True):
    """How an event travels.

    ``name`` is the CloudEvents ``type``; ``topic`` the Kafka topic; ``subject`` the field whose id the event is about;
    ``public`` events are shown to partners.
    """

    name: str
    service: str
    subject: str
    public: bool
    struct: type[Event]

    @property
    def topic(self) -> str:
        return topic_of(self.service)


def topic_of(service: str) -> str:
    """The topic that a service announces on."""
    return f"kierto.{service}.events.v1"


def partners_topic_of(service: str) -> str:
    """The topic with a service's public events, for partners who read Kafka itself."""
    return f"kierto.{service}.partners.v1"


E = TypeVar("E", bound=type[Event])

_by_struct: dict[type[Event], EventType] = {}
_by_name: dict[str, EventType] = {}


def declare_event(name: str, *, subject: str, public: bool = False) -> Callable[[E], E]:
    """Declare an event: ``name`` is ``<service>.<thing>.<what happened>``, ``subject`` the field with its id."""

    def register(struct: E) -> E:
        event_type = EventType(name, name.split(".", maxsplit=1)[0], subject, public, struct)
        if name in _by_name:
            raise TypeError(f"two events are called {name}")
        _by_struct[struct] = _by_name[name] = event_type
        return struct

    return register


def event_type_of(event: Event | type[Event]) -> EventType:
    """The declaration of an event."""
    return _by_struct[event if isinstance(event, type) else type(event)]


def event_type_named(name: str) -> EventType | None:
    """The declaration behind a CloudEvents ``type``; None if this build does not know it."""
    return _by_name.get(name)


def known_events() -> list[str]:
    """The CloudEvents ``type`` of every event that this build knows."""
    return list(_by_name)


def events_of(service: str) -> list[EventType]:
    """Every event that a service announces, in the order of declaration."""
    return [event_type for event_type in _by_name.values() if event_type.service == service]
