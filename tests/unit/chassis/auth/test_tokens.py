"""Fetching of the keys that verify tokens: tokens of unknown keys must not become calls of identity."""

import asyncio
import base64
import datetime as dt
import time

import msgspec
import pytest
from joserfc.jwk import OKPKey

from services.chassis.auth.tokens import AUDIENCE, ISSUER, LIFETIME, Claims, Signer, Verifier
from services.chassis.problems import NotReadyYet, Unauthenticated
from tests.support.clock import TestClock

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
CLAIMS = Claims(
    iss=ISSUER,
    aud=AUDIENCE,
    sub="user_1",
    client_id="portal",
    jti="1",
    iat=int(NOW.timestamp()),
    exp=int((NOW + LIFETIME).timestamp()),
    kind="USER",
)


def signer() -> Signer:
    return Signer(msgspec.json.encode(OKPKey.generate_key("Ed25519", private=True).as_dict(private=True)))


class KeyPublisher:
    """Publisher of the keys; it does not respond while it is ``away``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signer = signer()
        self.away = False
        self.asked = 0
        self.seconds = 1000.0
        self.verifier = Verifier(self._keys, TestClock(NOW))
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)

    async def _keys(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise ConnectionError
        return self.signer.public_keys()

    async def outcomes(self, *tokens: str) -> list[str]:
        """Verify tokens concurrently; return each subject, or the name of the exception."""
        answers = await asyncio.gather(*map(self.verifier.verify, tokens), return_exceptions=True)
        return [one.sub if isinstance(one, Claims) else type(one).__name__ for one in answers]


@pytest.fixture
def key_publisher(monkeypatch: pytest.MonkeyPatch) -> KeyPublisher:
    return KeyPublisher(monkeypatch)


def token(number: int, by: Signer) -> str:
    return by.sign(msgspec.structs.replace(CLAIMS, jti=str(number)))


async def test_while_identity_is_unavailable_it_is_called_once_a_second(key_publisher: KeyPublisher) -> None:
    key_publisher.away = True
    bad = [token(number, key_publisher.signer) for number in range(20)] + ["nonsense"] * 20
    for second in range(3):
        key_publisher.seconds = 1000.0 + second
        assert set(await key_publisher.outcomes(*bad)) == {NotReadyYet.__name__}
        assert not await key_publisher.verifier.ready()
        assert key_publisher.asked == second + 1
    key_publisher.away = False
    key_publisher.seconds += 1
    assert await key_publisher.outcomes(bad[0], bad[-1]) == ["user_1", Unauthenticated.__name__]
    assert key_publisher.asked == 4


async def test_invalid_tokens_of_a_known_key_fetch_nothing(key_publisher: KeyPublisher) -> None:
    right = token(1, key_publisher.signer)
    assert await key_publisher.outcomes(right) == ["user_1"]
    bad = [f"{right[:-8]}{number:08}" for number in range(20)] + ["nonsense", "a.b.c", right.partition(".")[0]]
    bad.append(f"{base64.urlsafe_b64encode(b'[' * 30_000).decode()}.e30.e30")
    for _ in range(3):
        key_publisher.seconds += 1
        assert set(await key_publisher.outcomes(*bad)) == {Unauthenticated.__name__}
    assert key_publisher.asked == 1


@pytest.mark.parametrize("away", [False, True])
async def test_tokens_of_unknown_keys_fetch_once_a_second(key_publisher: KeyPublisher, *, away: bool) -> None:
    assert await key_publisher.outcomes(token(1, key_publisher.signer)) == ["user_1"]
    key_publisher.away = away
    for second in range(1, 4):
        key_publisher.seconds = 1000.0 + second
        assert set(await key_publisher.outcomes(*[token(0, signer()) for _ in range(20)])) == {Unauthenticated.__name__}
        assert key_publisher.asked == second + 1
    assert await key_publisher.outcomes(token(2, key_publisher.signer)) == ["user_1"]


async def test_a_new_key_is_found(key_publisher: KeyPublisher) -> None:
    assert await key_publisher.outcomes(token(1, key_publisher.signer)) == ["user_1"]
    key_publisher.signer = signer()
    key_publisher.seconds += 1
    assert (
        await key_publisher.outcomes(*[token(number, key_publisher.signer) for number in range(20)]) == ["user_1"] * 20
    )
    assert key_publisher.asked == 2


async def test_a_response_without_keys_is_a_failure(key_publisher: KeyPublisher) -> None:
    async def nonsense() -> str:
        key_publisher.asked += 1
        return '{"keys": []}'

    verifier = Verifier(nonsense, TestClock(NOW))
    for _ in range(5):
        with pytest.raises(NotReadyYet):
            await verifier.verify("a.b.c")
    assert key_publisher.asked == 1
