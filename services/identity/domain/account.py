"""Changes of a user's account. ``account_version`` rises with each."""

import datetime as dt
from typing import Any

import msgspec

from services.identity.domain.access import UserRecord


def change_account(user: UserRecord, **changed: Any) -> UserRecord:
    """Return the user with changed values."""
    return msgspec.structs.replace(user, account_version=user.account_version + 1, **changed)


def verify_address(user: UserRecord, now: dt.datetime) -> UserRecord:
    """Return the user with their address verified, as before if it was."""
    return user if user.email_verified_at else change_account(user, email_verified_at=now)
