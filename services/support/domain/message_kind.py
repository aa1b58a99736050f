"""The kinds of messages to people: a table."""

import datetime as dt
import enum
import zoneinfo
from collections.abc import Mapping

import msgspec

from services.contracts.support.messages import MessageKind

QUIET_FROM, QUIET_UNTIL = dt.time(20), dt.time(7)
"""The quiet hours, in the operator's zone."""


class Subject(enum.Enum):
    """The thing that messages of a kind are about; the value is the prefix of its id."""

    TICKET = "ticket"
    ENTRY = "entry"
    ORDER = "order"
    PICKUP = "pickup"
    IMPORT = "import"
    """Its id names the service, too: it is the cause's key."""


class MessageRule(msgspec.Struct, frozen=True, kw_only=True):
    """The rule of one kind of messages."""

    subject: Subject
    for_staff: bool = False
    """Whether the staff get it, and customers do not."""
    optional: bool = True
    """Whether a person may switch it off."""
    enabled: bool = True
    """Whether a person gets it who has not chosen."""
    waits: bool = True
    """Whether it waits for the end of the quiet hours."""
    max_age: dt.timedelta = dt.timedelta(days=3)
    """The age of a cause from which on nobody is told of it."""


RULES: Mapping[MessageKind, MessageRule] = {
    MessageKind.RECEIPT: MessageRule(subject=Subject.TICKET, optional=False, waits=False),
    MessageKind.TICKET_ANSWER: MessageRule(subject=Subject.ENTRY, optional=False, waits=False),
    MessageKind.ORDER_CONFIRMED: MessageRule(subject=Subject.ORDER, waits=False),
    MessageKind.DAY_CHANGED: MessageRule(subject=Subject.PICKUP),
    MessageKind.COULD_NOT_EMPTY: MessageRule(subject=Subject.PICKUP),
    MessageKind.IMPORT_FINISHED: MessageRule(subject=Subject.IMPORT, for_staff=True, waits=False),
}
"""The rule of each kind. Its text is in ``mapping.message_mail``."""


def next_time(rule: MessageRule, now: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """Return the time at which a message may be sent: now, or the end of the quiet hours."""
    local = now.astimezone(zone)
    if not rule.waits or QUIET_UNTIL <= local.time() < QUIET_FROM:
        return now
    day = local.date() + dt.timedelta(days=1) if local.time() >= QUIET_FROM else local.date()
    return dt.datetime.combine(day, QUIET_UNTIL, zone).astimezone(dt.UTC)
