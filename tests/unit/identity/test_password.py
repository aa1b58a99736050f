"""I1: validation of passwords. They are long and not common, without composition rules."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.identity.people import PASSWORD_LENGTH
from services.identity.domain.common_passwords import is_common
from services.identity.domain.password import MAX_INPUT_LENGTH, normalise_password, password_problem


def reason(password: str, username: str = "mirja@example.com") -> str | None:
    problem = password_problem(password, username)
    return problem.params["reason"] if problem else None


@pytest.mark.parametrize(
    "password",
    [
        *("Salasana2026!", "salasana salasana", "lösenord1234", "p4ssw0rd1234", "Pa$$word2025", "ADMINISTRATOR1"),
        *("qwertyuiop12", "poiuytrewq09", "1q2w3e4r5t6y", "1qaz2wsx3edc", "zxcvbnmasdfg", "öäåqwertyuio"),
        *("123456789012", "210987654321", "112233445566", "abcdefghijkl", "aaaaaaaaaaaa", "1111222233334444"),
        *("abcabcabcabc", "xyzzy!xyzzy!", "Kesä2024Kesä2025", "talvi2025talvi", "Tervetuloa12"),
    ],
)
def test_common_passwords_are_refused(password: str) -> None:
    assert reason(password) == "COMMON"


@pytest.mark.parametrize(
    "password",
    [
        *("neljä märkää rukkasta", "correct horse battery", "kissakoirahevonen", "xK9#mPq2vL7w", "a1b2c3d4e5f6"),
        *("tämä on hyvä lause", "Mirjan jäteauto tuli", "四月の雨がやわらかく降る", "🦔🌲🚛🍂🪣🌧️🦉🐝🌻🍄🧭🎣"),
    ],
)
def test_other_long_passwords_are_accepted(password: str) -> None:
    assert reason(password) is None


def test_length_is_counted_in_composed_characters() -> None:
    composed = "ääkkösiä öin"
    assert len(composed) == 12
    assert reason(composed) is None
    assert reason(unicodedata.normalize("NFD", composed)) is None
    assert reason(unicodedata.normalize("NFD", composed[1:])) == "TOO_SHORT"
    assert normalise_password(unicodedata.normalize("NFD", composed)) == composed


def test_length_has_bounds() -> None:
    sentence = "tämä lause on vain hieman liian pitkä, jotta kukaan sen jaksaisi kirjoittaa; "
    assert reason(sentence[:11]) == "TOO_SHORT"
    assert reason(sentence[:64]) is None
    assert reason((sentence * 4)[:256]) == "COMMON", "a repetition of one part"
    longest = "".join(chr(0x3041 + number % 80) + chr(0x4E00 + number) for number in range(128))
    assert reason(longest) is None
    assert reason(longest + "x") == "TOO_LONG"


def test_the_longest_password_fits_in_decomposed_form() -> None:
    composed = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.is_normalized("NFC", chr(code))]
    longest = max(len(unicodedata.normalize("NFD", character)) for character in composed)
    assert longest * PASSWORD_LENGTH.most == MAX_INPUT_LENGTH


@pytest.mark.parametrize("typed", ["a" + "\u0301" * 90_000, "\ufdfa" * 60_000, "x" * (MAX_INPUT_LENGTH + 1)])
def test_too_long_input_is_not_normalised(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(unicodedata, "normalize", lambda form, text: text if len(text) <= MAX_INPUT_LENGTH else 1 / 0)
    assert normalise_password(typed) is None
    assert reason(typed, "mirja") == "TOO_LONG"


@given(st.text(min_size=1, max_size=300))
def test_a_password_is_the_same_in_every_composition(password: str) -> None:
    registered = normalise_password(password)
    if registered is not None:
        for form in ("NFC", "NFD"):
            assert normalise_password(unicodedata.normalize(form, password)) == registered


def test_a_password_must_not_contain_the_username() -> None:
    assert reason("oma MIRJA@Example.com nyt") == "CONTAINS_USERNAME"
    assert reason("mirja meri ja muut", "Mirja  Meri") == "CONTAINS_USERNAME"
    assert reason("neljä märkää rukkasta", "") is None, "a missing name is another problem"


@given(st.text(min_size=1, max_size=6), st.integers(2, 40))
def test_a_repeated_short_part_is_common(part: str, times: int) -> None:
    assert is_common(part * times)


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_text_breaks_the_rules(password: str, username: str) -> None:
    password_problem(password, username)
