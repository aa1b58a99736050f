"""The cache of a service's own tokens: each is renewed shortly before its expiry, by the clock that verifies it."""

import datetime as dt

from services.access.service_token import ServiceTokens
from tests.support.canned_service import CannedService
from tests.support.clock import TestClock


def token(name: str) -> bytes:
    return b'{"__typename":"ClientToken","accessToken":"%b","expiresIn":600,"scope":""}' % name.encode()


async def test_a_token_is_cached_until_a_minute_before_its_expiry() -> None:
    clock = TestClock(dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC))
    identity = CannedService("identity", clientToken=token("first"))
    tokens = ServiceTokens("support", "secret", identity, clock)
    assert await tokens.headers() == {"Authorization": "Bearer first"}
    identity.responses["clientToken"] = token("second")
    clock.move(minutes=9)
    assert await tokens.headers() == {"Authorization": "Bearer first"}
    clock.move(seconds=1)
    assert await tokens.headers() == {"Authorization": "Bearer second"}
    assert len(identity.requests) == 2


async def test_each_subject_has_its_own_token() -> None:
    clock = TestClock(dt.datetime(2026, 3, 30, 9, tzinfo=dt.UTC))
    identity = CannedService("identity", clientToken=token("one"))
    tokens = ServiceTokens("support", "secret", identity, clock)
    await tokens.headers("user_1")
    identity.responses["clientToken"] = token("other")
    assert await tokens.headers("user_2") == {"Authorization": "Bearer other"}
    assert await tokens.headers("user_1") == {"Authorization": "Bearer one"}
