"""I1: a username is an e-mail address or any memorable name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.names import is_email, is_username, tidy_username, username_key


@pytest.mark.parametrize("name", ["abc", "Mirja Meri", "mirja@example.com", "Øyvind Ærlig", "x" * 100])
def test_any_memorable_name(name: str) -> None:
    assert is_username(tidy_username(name))


@pytest.mark.parametrize("name", ["", "ab", "  ab ", "x" * 101, "abc\x00d", "abc\u202ed"])
def test_what_is_no_name(name: str) -> None:
    assert not is_username(tidy_username(name))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Mirja", "mIRJA"), (" Mirja  Meri ", "mirja meri"), ("Ａｂｃ", "abc"), ("Straße", "STRASSE"), ("é", "e\u0301")],
)
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert username_key(one) == username_key(other)


@given(st.text(max_size=50))
def test_a_key_is_its_own_key(name: str) -> None:
    assert username_key(username_key(name)) == username_key(name)


@pytest.mark.parametrize("email", ["a@b.fi", "first.last+tag@sub.example.co", "öky@esimerkki.fi", "x@xn--bcher-kva.de"])
def test_an_email_address(email: str) -> None:
    assert is_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "@b.fi",
        "a@b..fi",
        "a@b.fi.",
        "a b@c.fi",
        "a@b.fi\nBcc: c@d.fi",
        "<a@b.fi>",
        "a@b@c.fi",
        "a,b@c.fi",
    ],
)
def test_what_is_no_email_address(email: str) -> None:
    assert not is_email(email)


def test_an_email_address_has_an_end() -> None:
    assert not is_email("a@" + "b" * 250 + ".fi")
