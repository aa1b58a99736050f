"""A session: a family of refresh tokens, each used once to get the next (RFC 9700, section 4.14.2)."""

import datetime as dt
import enum
import hashlib
import hmac
import uuid
from base64 import urlsafe_b64encode

import msgspec

GRACE = dt.timedelta(seconds=10)
"""For so long the last token but one gets the same successor again: two tabs asked at once, or an answer was lost."""
IDLE = dt.timedelta(days=30)
LONGEST = dt.timedelta(days=90)


class Use(enum.Enum):
    """What a use of a refresh token is."""

    NEXT = "NEXT"
    """It is the last one: it gets a successor."""
    AGAIN = "AGAIN"
    """It was used a moment ago: it gets the same successor again."""
    STOLEN = "STOLEN"
    """It was used before: two hold it, and the family ends."""
    OVER = "OVER"
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


def begun(session_id: uuid.UUID, user_id: uuid.UUID, now: dt.datetime) -> Session:
    """A new session, with its first token."""
    return Session(id=session_id, user_id=user_id, started_at=now, expires_at=now + IDLE)


def judge(session: Session, number: int, now: dt.datetime) -> Use:
    """What it is that the token with this number is used now."""
    if session.ended_at is not None or now >= session.expires_at:
        return Use.OVER
    if number == session.number:
        return Use.NEXT
    just_now = session.rotated_at is not None and now - session.rotated_at <= GRACE
    return Use.AGAIN if number == session.number - 1 and just_now else Use.STOLEN


def rotated(session: Session, salt: bytes, now: dt.datetime) -> Session:
    """The session with one token more. It lives on for 30 days, but not beyond 90 days from its beginning."""
    return msgspec.structs.replace(
        session,
        number=session.number + 1,
        rotated_at=now,
        salt=salt,
        expires_at=min(now + IDLE, session.started_at + LONGEST),
    )


def ended(session: Session, now: dt.datetime) -> Session:
    """The session, over."""
    return msgspec.structs.replace(session, ended_at=now)


def successor(pepper: bytes, token: str, salt: bytes) -> str:
    """The token after ``token``: 256 bits that only who has the pepper, the salt and the token can make (again)."""
    return urlsafe_b64encode(hmac.digest(pepper, b"successor:" + salt + token.encode(), hashlib.sha256)).decode()
