"""Messages to people: their kinds, and each person's choice among them."""

import enum
from typing import Annotated

from services.contracts.values import IdempotencyKey, Length, MutationResult, Outcome, TextLimit, Value

MAX_CHOICES = 50

UnsubscribeToken = Annotated[str, TextLimit(500, verbatim=True)]
"""The token of a link by which the recipient of a message switches its kind off."""


class MessageKind(enum.Enum):
    """The kind of a message to a person. New kinds may come: a client shows an unknown one by its description."""

    RECEIPT = "RECEIPT"
    """Customer service has received a message."""
    TICKET_ANSWER = "TICKET_ANSWER"
    """Customer service has answered."""
    ORDER_CONFIRMED = "ORDER_CONFIRMED"
    """An order was accepted."""
    DAY_CHANGED = "DAY_CHANGED"
    """A regular pickup was moved to another day."""
    COULD_NOT_EMPTY = "COULD_NOT_EMPTY"
    """The bins could not be emptied."""
    IMPORT_FINISHED = "IMPORT_FINISHED"
    """An import has ended, for the employee who started it."""


class MessageChoice(Value, frozen=True, kw_only=True):
    """A person's choice about one kind of messages."""

    kind: MessageKind
    """The kind."""
    description: str
    """The matter of its messages, in the caller's language."""
    enabled: bool
    """Whether the caller gets them."""
    optional: bool
    """Whether they can be switched off."""


class ChosenMessages(Value, frozen=True, kw_only=True):
    """The choice to get one kind of messages, or not."""

    kind: MessageKind
    """The kind."""
    enabled: bool
    """Whether the caller wants them."""


class ChooseMessages(Value, frozen=True, kw_only=True):
    """The choices of a person among the kinds of messages; kinds that are left out stay as they are."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    choices: Annotated[list[ChosenMessages], Length(1, MAX_CHOICES)]
    """The choices."""


class MessagesChosen(MutationResult, frozen=True, kw_only=True):
    """The choices were made."""

    choices: list[MessageChoice]
    """All choices as they are now."""


class Subscription(Outcome, frozen=True, kw_only=True):
    """A kind of messages that the recipient of one may switch off by its link."""

    kind: MessageKind
    """The kind."""
    description: str
    """The matter of its messages, in the caller's language."""
    enabled: bool
    """Whether the recipient gets them."""
