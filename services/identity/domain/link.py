"""One-time links: a secret in a mail, which proves once that its reader reads the mail of an address."""

import datetime as dt
import enum
import uuid
from collections.abc import Mapping

import msgspec

from services.identity.domain.attempts import FAILURE_EXPIRY


class LinkPurpose(enum.Enum):
    """The purposes of links. A user has one valid link of each: a later one ends it."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 - a purpose, not a secret
    CONFIRM_NEW_EMAIL = "CONFIRM_NEW_EMAIL"
    """Sent to the address that a user changes to."""
    CONFIRM_OLD_EMAIL = "CONFIRM_OLD_EMAIL"
    """Sent to the address that a user changes from."""
    UNLOCK = "UNLOCK"


LIFETIMES: Mapping[LinkPurpose, dt.timedelta] = {
    LinkPurpose.VERIFY_EMAIL: dt.timedelta(hours=24),
    LinkPurpose.RESET_PASSWORD: dt.timedelta(minutes=30),
    LinkPurpose.CONFIRM_NEW_EMAIL: dt.timedelta(hours=24),
    LinkPurpose.CONFIRM_OLD_EMAIL: dt.timedelta(hours=24),
    LinkPurpose.UNLOCK: FAILURE_EXPIRY,
}
"""The time for which a link is valid (I4, I6)."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link. Its secret is known to its mail alone."""

    id: uuid.UUID
    user_id: uuid.UUID
    purpose: LinkPurpose
    expires_at: dt.datetime
    used_at: dt.datetime | None = None


def new_link(link_id: uuid.UUID, user_id: uuid.UUID, purpose: LinkPurpose, now: dt.datetime) -> Link:
    """Return a new link."""
    return Link(id=link_id, user_id=user_id, purpose=purpose, expires_at=now + LIFETIMES[purpose])


def is_valid(link: Link, now: dt.datetime) -> bool:
    """Return whether a link can be used."""
    return link.used_at is None and now < link.expires_at
