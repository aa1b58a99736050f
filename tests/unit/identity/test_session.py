"""I3: whatever is done with refresh tokens, two who hold one do not both go on."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.session import GRACE, IDLE, LONGEST, Use, begun, ended, judge, rotated, successor

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
NEW = begun(uuid.UUID(int=1), uuid.UUID(int=2), NOW)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 60))
def test_only_the_last_goes_on_and_the_last_but_one_for_a_moment(steps: int, back: int, seconds: int) -> None:
    session = NEW
    for _ in range(steps):
        session = rotated(session, b"", NOW)
    use = judge(session, session.number - back, NOW + dt.timedelta(seconds=seconds))
    if back == 0:
        assert use is Use.NEXT
    elif back == 1 and seconds <= GRACE.total_seconds():
        assert use is Use.AGAIN
    else:
        assert use is Use.STOLEN


def test_a_first_token_has_none_before_it() -> None:
    assert judge(NEW, 0, NOW) is Use.STOLEN


def test_what_is_over_is_over() -> None:
    assert judge(ended(NEW, NOW), 1, NOW) is Use.OVER
    assert judge(NEW, 1, NOW + IDLE - dt.timedelta(seconds=1)) is Use.NEXT
    assert judge(NEW, 1, NOW + IDLE) is Use.OVER


def test_use_prolongs_a_session_but_not_for_ever() -> None:
    assert rotated(NEW, b"", NOW + dt.timedelta(days=1)).expires_at == NOW + dt.timedelta(days=31)
    assert rotated(NEW, b"", NOW + dt.timedelta(days=80)).expires_at == NOW + LONGEST


def test_a_successor_hangs_on_pepper_token_and_salt() -> None:
    made = successor(b"pepper", "token", b"salt")
    assert made == successor(b"pepper", "token", b"salt")
    assert len({made, successor(b"other", "token", b"salt"), successor(b"pepper", "token", b"other")}) == 3
