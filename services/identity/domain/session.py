"""A session: a family of refresh tokens, each used once to get the next (RFC 9700, section 4.14.2)."""

import datetime as dt
import enum
import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode

import msgspec

REUSE_GRACE = dt.timedelta(seconds=10)
"""For so long the last token but one gets the same successor again: two tabs asked at once, or an answer was lost."""
IDLE_LIFETIME = dt.timedelta(days=30)
ABSOLUTE_LIFETIME = dt.timedelta(days=90)


class RefreshTokenUse(enum.Enum):
    """What a use of a refresh token is."""

    CURRENT = "NEXT"
    """It is the last one: it gets a successor."""
    RETRY = "AGAIN"
    """It was used a moment ago: it gets the same successor again."""
    REUSED = "STOLEN"
    """It was used before: two hold it, and the family ends."""
    SESSION_OVER = "OVER"
    """Its session is over already."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session. ``number`` is that of its last token; ``rotated_at`` and ``salt`` are of the step to that one."""

    id: uuid.UUID
    user_id: uuid.UUID
    started_at: dt.datetime
    expires_at: dt.datetime
    number: int = 1
    rotated_at: dt.datetime | None = None
    salt: bytes = b""
    ended_at: dt.datetime | None = None


def new_session(session_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> Session:
    """A new session, with its first token."""
    return Session(id=session_id, user_id=user_id, started_at=now, expires_at=now + IDLE_LIFETIME)


def classify_use(session: Session, number: int, now: dt.datetime) -> RefreshTokenUse:
    """What it is that the token with this number is used now."""
    if session.ended_at is not None or now >= session.expires_at:
        return RefreshTokenUse.SESSION_OVER
    if number == session.number:
        return RefreshTokenUse.CURRENT
    just_now = session.rotated_at is not None and now - session.rotated_at <= REUSE_GRACE
    return RefreshTokenUse.RETRY if number == session.number - 1 and just_now else RefreshTokenUse.REUSED


def rotate_session(session: Session, salt: bytes, now: dt.datetime) -> Session:
    """The session with one token more. It lives on for 30 days, but not beyond 90 days from its beginning."""
    return msgspec.structs.replace(
        session,
        number=session.number + 1,
        rotated_at=now,
        salt=salt,
        expires_at=min(now + IDLE_LIFETIME, session.started_at + ABSOLUTE_LIFETIME),
    )


def mark_session_ended(session: Session, now: dt.datetime) -> Session:
    """The session, over."""
    return msgspec.structs.replace(session, ended_at=now)


def successor_token(pepper: bytes, token: str, salt: bytes) -> str:
    """The token after ``token``: 256 bits that only who has the pepper, the salt and the token can make (again)."""
    return urlsafe_b64encode(hmac.digest(pepper, b"successor:" + salt + token.encode(), hashlib.sha256)).decode()
