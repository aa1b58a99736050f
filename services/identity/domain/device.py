"""A device that an account was signed in from: it shows a token that is worth nothing but to be known again.

The token holds a random name and its last moment; whose account it is for, its signature alone knows.
"""

import datetime as dt
import uuid
from base64 import urlsafe_b64encode

from services.identity.domain.secret import digest, digests_equal

LIFETIME = dt.timedelta(days=180)

_PURPOSE = "device_token"


def device_token(pepper: bytes, user_id: uuid.UUID, name: str, now: dt.datetime) -> str:
    """Make the token of a device with this random ``name``, for a user's account."""
    named = f"{name}.{int((now + LIFETIME).timestamp())}"
    return f"{named}.{_signature(pepper, user_id, named)}"


def recognise_device(pepper: bytes, user_id: uuid.UUID, token: str, now: dt.datetime) -> str | None:
    """Return the name of the device that shows a token; None if it is not known for this account (any more)."""
    named, _, signature = token.rpartition(".")
    if not digests_equal(signature.encode(), _signature(pepper, user_id, named).encode()):
        return None
    name, _, until = named.rpartition(".")
    return name if now.timestamp() < int(until) else None


def _signature(pepper: bytes, user_id: uuid.UUID, named: str) -> str:
    return urlsafe_b64encode(digest(pepper, _PURPOSE, f"{user_id}:{named}")).decode()
