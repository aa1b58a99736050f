"""I3: refresh token rotation. Two holders of one token can't both continue the session."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.session import (
    ABSOLUTE_LIFETIME,
    IDLE_LIFETIME,
    REUSE_GRACE,
    RefreshTokenUse,
    classify_use,
    mark_session_ended,
    new_session,
    rotate_session,
    successor_token,
)

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
NEW = new_session(uuid.UUID(int=1), uuid.UUID(int=2), NOW)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 60))
def test_only_the_last_token_is_valid_and_the_previous_one_for_a_moment(steps: int, back: int, seconds: int) -> None:
    session = NEW
    for _ in range(steps):
        session = rotate_session(session, b"", NOW)
    use = classify_use(session, session.number - back, NOW + dt.timedelta(seconds=seconds))
    if back == 0:
        assert use is RefreshTokenUse.CURRENT
    elif back == 1 and seconds <= REUSE_GRACE.total_seconds():
        assert use is RefreshTokenUse.RETRY
    else:
        assert use is RefreshTokenUse.REUSED


def test_a_first_token_has_none_before_it() -> None:
    assert classify_use(NEW, 0, NOW) is RefreshTokenUse.REUSED


def test_an_ended_or_expired_session_is_over() -> None:
    assert classify_use(mark_session_ended(NEW, NOW), 1, NOW) is RefreshTokenUse.SESSION_OVER
    assert classify_use(NEW, 1, NOW + IDLE_LIFETIME - dt.timedelta(seconds=1)) is RefreshTokenUse.CURRENT
    assert classify_use(NEW, 1, NOW + IDLE_LIFETIME) is RefreshTokenUse.SESSION_OVER


def test_use_prolongs_a_session_but_not_for_ever() -> None:
    assert rotate_session(NEW, b"", NOW + dt.timedelta(days=1)).expires_at == NOW + dt.timedelta(days=31)
    assert rotate_session(NEW, b"", NOW + dt.timedelta(days=80)).expires_at == NOW + ABSOLUTE_LIFETIME


def test_a_successor_depends_on_pepper_token_and_salt() -> None:
    successor = successor_token(b"pepper", "token", b"salt")
    assert successor == successor_token(b"pepper", "token", b"salt")
    assert (
        len({successor, successor_token(b"other", "token", b"salt"), successor_token(b"pepper", "token", b"other")})
        == 3
    )
