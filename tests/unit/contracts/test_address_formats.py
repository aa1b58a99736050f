"""The formats of e-mail addresses and telephone numbers."""

import pytest

from services.contracts.address_formats import email_problems, is_email, phone_problems
from services.contracts.values import malformed


@pytest.mark.parametrize("email", ["a@b.fi", "first.last+tag@sub.example.co", "öky@esimerkki.fi", "x@xn--bcher-kva.de"])
def test_valid_email_addresses(email: str) -> None:
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
def test_invalid_email_addresses(email: str) -> None:
    assert not is_email(email)


def test_the_length_of_an_email_address_is_limited() -> None:
    assert not is_email("a@" + "b" * 250 + ".fi")


def test_a_problem_names_the_field_and_shows_an_example() -> None:
    assert email_problems("aino", "contact", "email") == [
        malformed("contact", "email", reason="EXAMPLE", example="name@example.com")
    ]
    assert phone_problems("040", "phone") == [malformed("phone", reason="EXAMPLE", example="+358401234567")]
    assert email_problems(None, "email") == phone_problems(None, "phone") == []
    assert email_problems("a@b.fi", "email") == phone_problems("+358401234567", "phone") == []
