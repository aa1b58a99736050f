"""Known devices: a device that an account was signed in from has a token, which only identifies it.

The token is a random name and an expiry; the account is part of the signature alone.
"""

import datetime as dt
import uuid
from base64 import urlsafe_b64encode

from services.identity.domain.secret import digest, digests_equal

LIFETIME = dt.timedelta(days=180)

_PURPOSE = "device_token"


def device_token(pepper: bytes, user_id: uuid.UUID, name: str, now: dt.datetime) -> str:
    """Return the token of a device with this random ``name``, for a user's account."""
    payload = f"{name}.{int((now + LIFETIME).timestamp())}"
    return f"{payload}.{_signature(pepper, user_id, payload)}"


def recognise_device(pepper: bytes, user_id: uuid.UUID, token: str, now: dt.datetime) -> str | None:
    """Return the name of the device of a token; None if the token is invalid for this account, or has expired."""
    payload, _, signature = token.rpartition(".")
    if not digests_equal(signature.encode(), _signature(pepper, user_id, payload).encode()):
        return None
    name, _, until = payload.rpartition(".")
    return name if now.timestamp() < int(until) else None


def _signature(pepper: bytes, user_id: uuid.UUID, payload: str) -> str:
    return urlsafe_b64encode(digest(pepper, _PURPOSE, f"{user_id}:{payload}")).decode()
