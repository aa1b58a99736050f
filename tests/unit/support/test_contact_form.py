"""S1: the accepted fields of the contact form."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.support.tickets import ContactPreference, SendContactForm
from services.contracts.ticket_requests import Topic
from services.contracts.values import Refusal, malformed
from services.support.domain.contact_form import ContactForm, parse_contact_form

FORM = SendContactForm(idempotency_key="1", site_id="site_1", topic=Topic.PICKUP, message="Roskat jäivät.")


def written(message: str, phone: str | None = None, preference: ContactPreference | None = None) -> SendContactForm:
    preference = preference or (ContactPreference.PHONE if phone is not None else ContactPreference.NONE)
    return msgspec.structs.replace(FORM, message=message, phone=phone, contact_preference=preference)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("  Roskat jäivät.\n", "Roskat jäivät."),
        ("Yksi\r\nkaksi\rkolme\n\n\tneljä", "Yksi\nkaksi\nkolme\n\n\tneljä"),
        ("👨‍👩‍👧 ei pääse pihaan", "👨‍👩‍👧 ei pääse pihaan"),
        ("x" * 4000 + " ", "x" * 4000),
    ],
)
def test_a_message_is_stored_trimmed(message: str, kept: str) -> None:
    assert parse_contact_form(written(message)) == ContactForm(kept, None)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "REQUIRED"),
        (" \n\t", "REQUIRED"),
        ("x" * 4001, "TOO_LONG"),
        ("a\x00b", "CHARACTERS"),
        ("a\x1bb", "CHARACTERS"),
        ("a\x85b", "CHARACTERS"),
    ],
)
def test_a_message_that_is_empty_too_long_or_has_control_characters_is_refused(message: str, reason: str) -> None:
    refused = parse_contact_form(written(message))
    assert isinstance(refused, Refusal)
    (problem,) = refused.problems
    assert (problem.code, problem.path, problem.params["reason"]) == ("MALFORMED", ["message"], reason)


@pytest.mark.parametrize("phone", ["+358401234567", " +4790123456 ", "+1234567", "+123456789012345"])
def test_a_telephone_number_has_the_format_of_e164(phone: str) -> None:
    assert parse_contact_form(written("Hei", phone)) == ContactForm("Hei", phone.strip())


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "0401234567",
        "+358 40 1234567",
        "+123456",
        "+1234567890123456",
        "+0401234567",
        "++358401234",
        "soita",
        "+٣٥٨٤٠١٢٣٤٥٦٧",
    ],
)
def test_any_other_telephone_number_is_refused(phone: str) -> None:
    assert parse_contact_form(written("Hei", phone)) == Refusal(
        problems=[malformed("phone", reason="EXAMPLE", example="+358401234567")]
    )


def test_a_call_needs_a_number_and_every_problem_is_named_at_once() -> None:
    refused = parse_contact_form(written("", preference=ContactPreference.PHONE))
    assert isinstance(refused, Refusal)
    assert [problem.path for problem in refused.problems] == [["message"], ["phone"]]


@pytest.mark.parametrize("preference", [ContactPreference.NONE, ContactPreference.EMAIL])
def test_a_number_is_dropped_unless_a_call_is_wanted(preference: ContactPreference) -> None:
    assert parse_contact_form(written("Hei", "+358401234567", preference)) == ContactForm("Hei", None)


@given(st.text())
def test_parsing_is_idempotent(message: str) -> None:
    form = parse_contact_form(written(message))
    if isinstance(form, ContactForm):
        assert parse_contact_form(written(form.message)) == form
