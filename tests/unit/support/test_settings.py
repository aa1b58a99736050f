"""The settings of support."""

import pytest

from services.chassis.runtime.settings import InvalidSettings, load
from services.support.domain.limits import MessageLimits
from services.support.settings import SupportSettings

NEEDED = {
    "KIERTO_LISTEN": "127.0.0.1:0",
    "KIERTO_DATABASE_URL": "postgresql://nowhere",
    "KIERTO_KAFKA": "127.0.0.1:9",
    "KIERTO_IDENTITY_URL": "http://127.0.0.1:9",
    "KIERTO_SITES_URL": "http://127.0.0.1:9",
    "KIERTO_ORDERS_URL": "http://127.0.0.1:9",
    "KIERTO_STATS_URL": "http://127.0.0.1:9",
}


def limits_of(text: str) -> MessageLimits:
    environment = {**NEEDED, "KIERTO_SUPPORT_MESSAGE_LIMITS": text}
    return load(SupportSettings, "support", environment).message_limits


def test_limits_may_be_set_one_by_one() -> None:
    assert limits_of("") == MessageLimits(person=10, staff=100, organisation=30)
    assert limits_of('{"person": 3}') == MessageLimits(person=3)


def test_a_limit_is_one_message_at_least() -> None:
    with pytest.raises(InvalidSettings, match="KIERTO_SUPPORT_MESSAGE_LIMITS"):
        limits_of('{"organisation": 0}')
