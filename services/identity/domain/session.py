"""Sessions with refresh token rotation: each token is used once to get the next (RFC 9700, section 4.14.2)."""

import datetime as dt
import enum
import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode

import msgspec

REUSE_GRACE = dt.timedelta(seconds=10)
"""The time in which the previous token gets the same successor again: two tabs refreshed, or a response was lost."""
IDLE_LIFETIME = dt.timedelta(days=30)
ABSOLUTE_LIFETIME = dt.timedelta(days=90)


class RefreshTokenUse(enum.Enum):
    """The classes of uses of a refresh token."""

    CURRENT = "CURRENT"
    """The last token: it gets a successor."""
    RETRY = "RETRY"
    """A token that was used within ``REUSE_GRACE``: it gets the same successor again."""
    REUSED = "REUSED"
    """A token that was used before: it was stolen, and the session ends."""
    SESSION_OVER = "SESSION_OVER"
    """A token whose session ended or expired."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session."""

    id: uuid.UUID
    user_id: uuid.UUID
    started_at: dt.datetime
    expires_at: dt.datetime
    number: int = 1
    """The number of the last token."""
    rotated_at: dt.datetime | None = None
    """The time of the last rotation."""
    salt: bytes = b""
    """The salt of the last rotation, from which its token derives."""
    ended_at: dt.datetime | None = None


def new_session(session_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> Session:
    """Return a new session, with its first token."""
    return Session(id=session_id, user_id=user_id, started_at=now, expires_at=now + IDLE_LIFETIME)


def classify_use(session: Session, number: int, now: dt.datetime) -> RefreshTokenUse:
    """Classify a use of the token with this number."""
    if session.ended_at is not None or now >= session.expires_at:
        return RefreshTokenUse.SESSION_OVER
    if number == session.number:
        return RefreshTokenUse.CURRENT
    is_recent = session.rotated_at is not None and now - session.rotated_at <= REUSE_GRACE
    return RefreshTokenUse.RETRY if number == session.number - 1 and is_recent else RefreshTokenUse.REUSED


def rotate_session(session: Session, salt: bytes, now: dt.datetime) -> Session:
    """Return the session with another token, for 30 more days, but at most 90 from its start."""
    return msgspec.structs.replace(
        session,
        number=session.number + 1,
        rotated_at=now,
        salt=salt,
        expires_at=min(now + IDLE_LIFETIME, session.started_at + ABSOLUTE_LIFETIME),
    )


def mark_session_ended(session: Session, now: dt.datetime) -> Session:
    """Return the session with its end."""
    return msgspec.structs.replace(session, ended_at=now)


def successor_token(pepper: bytes, token: str, salt: bytes) -> str:
    """Return the successor of ``token``: 256 bits, derived from the pepper, the salt and the token."""
    return urlsafe_b64encode(hmac.digest(pepper, b"successor:" + salt + token.encode(), hashlib.sha256)).decode()
