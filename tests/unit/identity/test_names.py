"""I1: a username is an e-mail address or any memorable name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.names import look_alike_key, normalise_username, username_key, username_problem


def reason_of(name: str) -> str | None:
    """Return the reason for which a name is invalid."""
    problem = username_problem(normalise_username(name))
    if problem is None:
        return None
    assert (problem.code, problem.path) == ("MALFORMED", ["username"])
    return problem.params["reason"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "abc",
            "Mirja Meri",
            "mirja@example.com",
            "Øyvind Ærlig",
            "x" * 100,
            "O'Brien-Åkesson 2",
            "мария_77",
            "Μαρία 3",
        ),
        *(
            "山田はなこ",
            "ヤマダ・ハナコ",
            "김철수 金",
            "陳ㄔㄣˊ",
            "नमस्ते",
            "a 🦔 b",
            "12 345",
            "ﾔﾏﾀﾞ 3",
            "xn--bcher-kva.de",
        ),
        *("иван@example.com", "иван.smith@почта.рф", "Ｍｉｒｊａ", "nguyễn", unicodedata.normalize("NFD", "Žąsė")),
    ],
)
def test_any_memorable_name_is_valid(name: str) -> None:
    assert reason_of(name) is None


@pytest.mark.parametrize(
    ("name", "reason"), [("", "REQUIRED"), ("ab", "TOO_SHORT"), ("  ab ", "TOO_SHORT"), ("x" * 101, "TOO_LONG")]
)
def test_names_of_invalid_length_are_refused(name: str, reason: str) -> None:
    assert reason_of(name) == reason


@pytest.mark.parametrize(
    "name",
    [
        *("стаff", "stаff", "раypal", "Αdmin", "mirja μ", "иванов.smith", "аdmin@example.com", "admin@ехample.com"),
        *("abcア", "みрь", "ӏвана i"),
    ],
)
def test_letters_that_look_like_another_alphabets_are_refused(name: str) -> None:
    assert reason_of(name) == "MIXED_SCRIPTS"


@pytest.mark.parametrize(
    "ignorable",
    [
        "\x00",
        "\u202e",
        "\u200d",
        "\xad",
        "\u034f",
        "\u115f",
        "\u3164",
        "\uffa0",
        "\ufe0f",
        "\U000e0100",
        "\u180b",
        "\u17b4",
    ],
)
def test_invisible_characters_are_refused(ignorable: str) -> None:
    assert reason_of(f"mirja{ignorable}") == "CHARACTERS"


@given(st.text(max_size=120))
def test_no_text_breaks_the_rule(name: str) -> None:
    username_problem(normalise_username(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Mirja", "mIRJA"), (" Mirja  Meri ", "mirja meri"), ("Ａｂｃ", "abc"), ("Straße", "STRASSE"), ("é", "e\u0301")],
)
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@given(st.text(max_size=50))
def test_a_key_is_its_own_key(name: str) -> None:
    assert username_key(username_key(name)) == username_key(name)


@pytest.mark.parametrize(
    ("name", "other"),
    [("раура", "paypa"), ("ВЕРА", "bepa"), ("ΝΙΚΟ", "viko"), ("matti 10", "matti lo"), ("սոհօ", "unho")],
)
def test_names_that_look_alike_have_the_same_key(name: str, other: str) -> None:
    assert look_alike_key(username_key(name)) == look_alike_key(username_key(other))


@pytest.mark.parametrize(("name", "other"), [("maila", "malla"), ("anna", "hanna"), ("matti 1", "matti 2")])
def test_names_that_differ_visibly_have_different_keys(name: str, other: str) -> None:
    assert look_alike_key(username_key(name)) != look_alike_key(username_key(other))
