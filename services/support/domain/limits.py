"""How many messages are taken (S1): each opens a ticket that somebody reads, and causes a mail."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Annotated

import msgspec

from services.contracts.values import Refusal, refuse

WINDOW = dt.timedelta(hours=1)

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class MessageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages are taken within an hour.

    Of a ``person``; of one of the ``staff``, who write down what customers say on the telephone; of all who write about
    an ``organisation``'s sites. Staff are not held to the last, but what they wrote counts.
    """

    person: AtLeastOne = 10
    staff: AtLeastOne = 100
    organisation: AtLeastOne = 30


def limit_refusal(full_since: Sequence[dt.datetime], now: dt.datetime) -> Refusal | None:
    """TOO_MANY_MESSAGES, with the ``seconds`` until one more is taken.

    ``full_since``: of each limit that is reached, when the oldest message was written that has to be an hour old.
    """
    if not full_since:
        return None
    wait = max(full_since) + WINDOW - now
    return refuse("TOO_MANY_MESSAGES", retryable=True, seconds=math.ceil(wait.total_seconds()))
