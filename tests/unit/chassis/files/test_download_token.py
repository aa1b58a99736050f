"""A token opens one file of one service for some minutes."""

import datetime as dt

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.chassis.files.download_token import DownloadTokens, InvalidDownloadToken
from services.chassis.ids import new_uuid, write_id
from tests.support.clock import TestClock

KEY = bytes(range(32))


def test_a_token_names_its_file_until_it_expires(clock: TestClock) -> None:
    tokens, file_id = DownloadTokens("orders", KEY, clock), new_uuid()
    link = tokens.link(file_id, "a.csv", 3)
    assert (link.name, link.size, link.expires_at) == ("a.csv", 3, clock.now() + dt.timedelta(minutes=5))
    path, _, token = link.url.partition("?token=")
    assert path == f"/files/orders/{write_id('file', file_id)}"
    clock.move(minutes=4.9)
    assert tokens.verify(token) == file_id
    clock.move(minutes=0.2)
    with pytest.raises(InvalidDownloadToken):
        tokens.verify(token)


def test_an_altered_or_foreign_token_is_refused(clock: TestClock) -> None:
    tokens = DownloadTokens("orders", KEY, clock)
    soon = clock.now() + dt.timedelta(minutes=5)
    token = tokens.sign(new_uuid(), soon)
    header, claims, signature = token.split(".")
    _, other_claims, _ = tokens.sign(new_uuid(), soon).split(".")
    key = OctKey.import_key(KEY)
    later = int(clock.now().timestamp()) + 60
    good = {"aud": "orders-files", "sub": str(new_uuid()), "exp": later}
    wrong = [
        "",
        "a.b.c",
        token + "x",
        f"{header}.{other_claims}.{signature}",
        f"{header}.{claims}.",
        DownloadTokens("sites", KEY, clock).sign(new_uuid(), soon),
        DownloadTokens("orders", KEY[::-1], clock).sign(new_uuid(), soon),
        jwt.encode({"alg": "HS256", "typ": "at+jwt"}, good, key),
        jwt.encode({"alg": "HS256", "typ": "kierto-file+jwt"}, {**good, "sub": "x"}, key),
        jwt.encode({"alg": "HS256", "typ": "kierto-file+jwt"}, {**good, "exp": "soon"}, key),
        jwt.encode({"alg": "HS256", "typ": "kierto-file+jwt"}, {"aud": good["aud"], "sub": good["sub"]}, key),
        "x" * 100_000,
    ]
    for one in wrong:
        with pytest.raises(InvalidDownloadToken):
            tokens.verify(one)
    assert tokens.verify(jwt.encode({"alg": "HS256", "typ": "kierto-file+jwt"}, good, key))


def test_a_short_key_is_refused(clock: TestClock) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        DownloadTokens("orders", KEY[:31], clock)
