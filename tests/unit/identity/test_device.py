"""Tokens of known devices: signed, for one account, for half a year."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.device import LIFETIME, device_token, recognise_device

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
PEPPER, USER, OTHER = b"pepper", uuid.UUID(int=1), uuid.UUID(int=2)
TOKEN = device_token(PEPPER, USER, "a_random-name", NOW)


def test_a_device_is_known_until_its_token_expires() -> None:
    assert recognise_device(PEPPER, USER, TOKEN, NOW) == "a_random-name"
    assert recognise_device(PEPPER, USER, TOKEN, NOW + LIFETIME - dt.timedelta(seconds=1)) == "a_random-name"
    assert recognise_device(PEPPER, USER, TOKEN, NOW + LIFETIME) is None


def test_a_device_is_unknown_for_another_account_or_under_another_pepper() -> None:
    assert recognise_device(PEPPER, OTHER, TOKEN, NOW) is None
    assert recognise_device(b"another", USER, TOKEN, NOW) is None


@given(st.integers(0, len(TOKEN) - 1), st.characters(codec="utf-8"))
def test_no_character_of_a_token_can_be_changed(place: int, character: str) -> None:
    changed = TOKEN[:place] + character + TOKEN[place + 1 :]
    assert changed == TOKEN or recognise_device(PEPPER, USER, changed, NOW) is None


@given(st.text(max_size=200))
def test_no_other_text_is_a_token(text: str) -> None:
    assert recognise_device(PEPPER, USER, text, NOW) is None


def test_a_token_fits_into_a_cookie_and_the_contract() -> None:
    assert len(device_token(PEPPER, USER, "x" * 22, NOW)) < 200
    assert set(TOKEN) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.=")
