"""A change of a user's e-mail address, which takes effect when both addresses have confirmed it (I5)."""

import datetime as dt
import uuid

import msgspec

from services.identity.domain.link import LIFETIMES, LinkPurpose


class EmailChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is under way."""

    user_id: uuid.UUID
    email: str
    """The new address."""
    expires_at: dt.datetime
    new_confirmed: bool = False
    old_confirmed: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether both addresses have confirmed it."""
        return self.new_confirmed and self.old_confirmed


def new_email_change(user_id: uuid.UUID, email: str, *, old_verified: bool, now: dt.datetime) -> EmailChange:
    """Return a new change. An old address that was never verified is not asked: it may be a stranger's."""
    return EmailChange(
        user_id=user_id,
        email=email,
        expires_at=now + LIFETIMES[LinkPurpose.CONFIRM_NEW_EMAIL],
        old_confirmed=not old_verified,
    )


def confirm(change: EmailChange, by: LinkPurpose) -> EmailChange:
    """Return the change with the confirmation of the address to which a link of this purpose was sent."""
    if by is LinkPurpose.CONFIRM_NEW_EMAIL:
        return msgspec.structs.replace(change, new_confirmed=True)
    return msgspec.structs.replace(change, old_confirmed=True)
