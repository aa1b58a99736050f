"""S4, S8: each kind has a rule, a content and a description; the quiet hours."""

import datetime as dt
import zoneinfo

import pytest

from services.contracts.support.messages import MessageKind
from services.support.domain.message import retry_delay_s
from services.support.domain.message_kind import RULES, MessageRule, Subject, next_time
from services.support.mapping.message_mail import CONTENTS

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
WAITING = MessageRule(subject=Subject.PICKUP)


def helsinki(day: int, hour: int, minute: int = 0, month: int = 3) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, minute, tzinfo=HELSINKI).astimezone(dt.UTC)


def test_every_kind_has_a_rule_and_a_content() -> None:
    assert set(RULES) == set(CONTENTS) == set(MessageKind)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (helsinki(4, 7), helsinki(4, 7)),
        (helsinki(4, 19, 59), helsinki(4, 19, 59)),
        (helsinki(4, 20), helsinki(5, 7)),
        (helsinki(4, 23, 59), helsinki(5, 7)),
        (helsinki(4, 0), helsinki(4, 7)),
        (helsinki(4, 6, 59), helsinki(4, 7)),
        # The night in which the clocks go forward is an hour shorter.
        (helsinki(28, 21), helsinki(29, 7)),
    ],
)
def test_what_can_wait_waits_from_20_to_7(now: dt.datetime, then: dt.datetime) -> None:
    assert next_time(WAITING, now, HELSINKI) == then
    assert next_time(MessageRule(subject=Subject.ORDER, waits=False), now, HELSINKI) == now


def test_the_night_of_the_clocks_change_is_an_hour_shorter() -> None:
    now = helsinki(28, 21)
    assert next_time(WAITING, now, HELSINKI) - now == dt.timedelta(hours=9)


@pytest.mark.parametrize(("attempts", "delay_s"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 600), (1000, 600)])
def test_the_delay_between_attempts_grows(attempts: int, delay_s: int) -> None:
    assert retry_delay_s(attempts) == delay_s
