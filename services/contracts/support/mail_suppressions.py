"""Addresses to which no mail is sent, because mails came back from them."""

import datetime as dt
import enum
from typing import Annotated

from services.contracts.values import (
    Filter,
    Id,
    IdempotencyKey,
    IdOf,
    MutationResult,
    SortDirection,
    Sorting,
    TextLimit,
    Value,
)

MailSuppressionId = Annotated[str, TextLimit(100), IdOf()]


class SuppressionReason(enum.Enum):
    """The reason why no mail is sent to an address."""

    ADDRESS_FAILED = "ADDRESS_FAILED"
    """A mail server said that the address gets no mail: it does not exist, or is closed."""
    SEVERAL_FAILED = "SEVERAL_FAILED"
    """Several mails came back within two weeks, as from a full mailbox."""


class MailRecipientKind(enum.Enum):
    """The kind of the recipient of a mail."""

    USER = "USER"
    """A user."""
    SITE = "SITE"
    """The contact person of a site."""
    TICKET = "TICKET"
    """The sender of a ticket, who left an address."""


class MailSuppression(Value, frozen=True, kw_only=True):
    """An address to which no messages are mailed. Support does not know it: it keeps a digest."""

    id: Id
    """The global id."""
    recipient_kind: MailRecipientKind
    """The kind of the recipient whose mail came back. Others with the same address get no mail either."""
    user_id: str | None
    """The id of the user; None for another kind of recipient."""
    site_id: Id | None
    """The id of the site; None for another kind of recipient."""
    ticket_id: Id | None
    """The id of the ticket; None for another kind of recipient."""
    reason: SuppressionReason
    """The reason."""
    status: str
    """The enhanced status code of the last report (RFC 3463), such as `5.1.1`."""
    since: dt.datetime
    """The time of the last report."""
    until: dt.datetime
    """The time from which on mail is sent again."""


class OwnMailSuppression(Value, frozen=True, kw_only=True):
    """The state of a user's address to which no messages are mailed."""

    reason: SuppressionReason
    """The reason."""
    since: dt.datetime
    """The time of the last report that a mail came back."""
    until: dt.datetime
    """The time from which on mail is sent again."""


class MailSuppressionFilter(Filter, frozen=True, kw_only=True):
    """The conditions of a list of suppressed addresses."""

    recipient_kinds: list[MailRecipientKind] | None = None
    """Addresses of recipients of one of these kinds; None: of all."""
    reasons: list[SuppressionReason] | None = None
    """Addresses that are suppressed for one of these reasons; None: for any."""


class MailSuppressionOrderField(enum.Enum):
    """The fields that suppressed addresses can be ordered by."""

    SINCE = "SINCE"
    """By the time of the last report."""


class MailSuppressionOrder(Sorting, frozen=True, kw_only=True):
    """The order of a list of suppressed addresses."""

    field: MailSuppressionOrderField
    """The field that they are ordered by."""
    direction: SortDirection = SortDirection.ASC
    """The direction."""


class LiftMailSuppression(Value, frozen=True, kw_only=True):
    """The decision of the staff to send mail to an address again."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""
    id: MailSuppressionId
    """The id of the suppression."""


class MailSuppressionLifted(MutationResult, frozen=True, kw_only=True):
    """The messages from now on are mailed to the address."""


class ResumeMail(Value, frozen=True, kw_only=True):
    """The wish of a user to get mail again, who has mended their mailbox."""

    idempotency_key: IdempotencyKey
    """A key that the caller chooses for the command: a repetition with the same key is the same command."""


class MailResumed(MutationResult, frozen=True, kw_only=True):
    """The messages from now on are mailed to the user's address."""
