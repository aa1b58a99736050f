"""Addresses to which no mail is sent, because mails came back from them."""

import datetime as dt
import uuid

import msgspec

from services.contracts.support.mail_suppressions import MailRecipientKind, SuppressionReason
from services.support.domain.delivery_report import DeliveryFailure

PERIOD = dt.timedelta(days=180)
"""The time after which an address is tried again."""
FAILURE_WINDOW = dt.timedelta(days=14)
"""The time within which failures that are not of the address itself are counted."""
_MAX_FAILURES = 3
"""Messages that came back within the window, from which on the address gets none."""


class MailSuppressionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A suppressed address as it is stored."""

    id: uuid.UUID
    address: str
    """The digest of the address."""
    recipient: str
    """The id of the user, the site or the ticket whose message came back."""
    reason: SuppressionReason
    status: str
    """The enhanced status code (RFC 3463) of the report."""
    since: dt.datetime

    @property
    def until(self) -> dt.datetime:
        """The time from which on mail is sent again."""
        return self.since + PERIOD

    @property
    def recipient_kind(self) -> MailRecipientKind:
        """The kind of the recipient, by the prefix of the id."""
        return MailRecipientKind(self.recipient.partition("_")[0].upper())


def reason_to_suppress(failure: DeliveryFailure, bounced: int) -> SuppressionReason | None:
    """Return the reason to suppress an address from which so many messages came back of late; None without one."""
    if failure.is_of_address:
        return SuppressionReason.ADDRESS_FAILED
    return SuppressionReason.SEVERAL_FAILED if bounced >= _MAX_FAILURES else None
