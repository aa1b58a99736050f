"""The messages of codes in all four languages, for every place that raises them."""

import pytest
from babel.messages.pofile import read_po

from gateway import messages
from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity.people import Language
from tests.gateway.raised_codes import raised_codes
from tests.text_usage import keys_for, promised_codes

FOR_APOLLO = {"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"}
"""The messages that are names in every language, by which some clients recognise them."""


def test_the_codes_are_found_in_the_sources() -> None:
    codes = promised_codes() | {one.code for one in raised_codes()}
    assert {"SIGN_IN_FAILED", "NOT_ON_ROUTE", "CUSTOMER_NOT_RECOGNISED", "TOO_LONG"} <= codes


@pytest.mark.parametrize("language", Language)
def test_every_text_can_be_formatted(language: Language) -> None:
    for raised in raised_codes():
        for key in keys_for(raised, load_catalogue(messages.TEXTS, language).counted):
            reason = key.partition(".")[2]
            params = {name: f"<{name}>" for name in raised.params} | {"traceId": "<traceId>", "reason": reason}
            shown = messages.text(raised.code, language, params)
            assert not set("{}…") & set(shown), (raised, shown)
            assert shown[0].isupper() and shown != raised.code, (raised, shown)


OF_A_PAGE = frozenset({"UNSUBSCRIBE", "UNSUBSCRIBE.BUTTON", "UNSUBSCRIBE.DONE"})
"""Headings and the button of the page at the end of a link."""


@pytest.mark.parametrize("language", Language)
def test_every_code_that_an_operation_promises_has_its_text(language: Language) -> None:
    assert {"ALREADY_ENDED", "SIGN_IN_FAILED", "PAST_CUT_OFF"} <= promised_codes()
    assert [code for code in promised_codes() if messages.text(code, language) == code] == []


@pytest.mark.parametrize("language", Language)
def test_every_text_is_a_whole_sentence(language: Language) -> None:
    with (messages.TEXTS / f"{language.value}.po").open("rb") as file:
        catalogue = read_po(file)
    texts = {str(one.id): one.string or "" for one in catalogue if one.id and one.id not in (*FOR_APOLLO, *OF_A_PAGE)}
    forms = [form for text in texts.values() for form in ((text,) if isinstance(text, str) else text)]
    assert len(forms) > 50
    fragments = [form for form in forms if not (form[0].isupper() and form.endswith((".", "!", "?")))]
    assert fragments == []


def test_a_reason_has_its_text() -> None:
    params = {"reason": "TOO_SHORT", "shortest": "12", "longest": "256"}
    assert messages.text("WEAK_PASSWORD", Language.NB, params) == "Passordet er for kort: minst 12 tegn."
    assert "vähintään 12" in messages.text("WEAK_PASSWORD", Language.FI, {"shortest": "12"})


@pytest.mark.parametrize(
    ("language", "wait"), [(Language.FI, "1 sekunnin"), (Language.SV, "1 sekund."), (Language.EN, "1 second.")]
)
def test_a_second_is_one(language: Language, wait: str) -> None:
    assert wait in messages.text("RATE_LIMITED", language, {"seconds": "1"})


def test_days_and_numbers_are_written_as_in_the_language() -> None:
    assert "(4.3.2026)" in messages.text("NOT_PLANNED", Language.FI, {"date": "2026-03-04"})
    assert "4 Mar 2026" in messages.text("MALFORMED", Language.EN, {"reason": "EARLIEST", "earliest": "2026-03-04"})
    assert "1,048,576 bytes" in messages.text("TOO_LARGE", Language.EN, {"limit": "1048576"})


def test_a_missing_parameter_is_no_error() -> None:
    assert messages.text("TOO_LONG", Language.EN) == "The period is too long: at most … days at a time."
    assert messages.text("OVERLOADED", Language.EN) == "There is too much to do right now. Try again in … seconds."
    assert messages.text("UNHEARD_OF", Language.EN) == "UNHEARD_OF"
