"""The limits of messages (S1): each message opens a ticket that a person reads, and causes a mail."""

import datetime as dt
import hashlib
import math
from collections.abc import Sequence
from typing import Annotated

import msgspec

from services.contracts.values import Refusal, refuse

WINDOW = dt.timedelta(hours=1)

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class MessageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most messages within an hour."""

    person: AtLeastOne = 10
    """Of one customer."""
    staff: AtLeastOne = 100
    """Of one of the staff, who write down calls of customers."""
    organisation: AtLeastOne = 30
    """About the sites of one organisation. Messages of staff count, but are not refused."""
    reply: AtLeastOne = 30
    """Of one customer in the threads of tickets."""
    sender: AtLeastOne = 3
    """Of one e-mail address or telephone number in the public form."""
    address: AtLeastOne = 10
    """From one network address in the public form."""
    resume: AtLeastOne = 3
    """Times that one user has mail sent again."""


def digest_of(sender: str) -> str:
    """Return the form in which the sender of a public form is remembered for the limits: no address can be read."""
    return hashlib.sha256(sender.encode()).hexdigest()


def limit_refusal(full_since: Sequence[dt.datetime], now: dt.datetime) -> Refusal | None:
    """Return TOO_MANY_MESSAGES, with the ``seconds`` until the next message is accepted; None within the limits.

    ``full_since``: of each limit that is reached, the instant of the message that must leave the window first.
    """
    if not full_since:
        return None
    wait = max(full_since) + WINDOW - now
    return refuse("TOO_MANY_MESSAGES", retryable=True, seconds=math.ceil(wait.total_seconds()))
