"""The messages of codes in all four languages, with all params of every place that raises them."""

import re
import string
import typing

import pytest

from gateway import messages
from services.contracts.identity import Language
from services.contracts.values import MalformedReason
from tests.gateway.raised_codes import ROOT, RaisedCode, raised_codes

OF_THE_GATEWAY = {"FORBIDDEN", "UNAUTHENTICATED", "UNAVAILABLE", "NOT_READY_YET", "MALFORMED", "TOO_LARGE"}
MADE_BY_THE_GATEWAY = "UNEXPECTED"
"""A service raises it without params: the gateway adds the trace id."""
UNRAISED = {
    # Raised as a GraphQLError (gateway/execution/limits/operation_limits.py).
    "LIMIT_EXCEEDED",
    # For a reason that this build does not have yet, during a rolling deployment.
    "WEAK_PASSWORD",
    "WRONG_FILE",
}

_PROMISED = re.compile(r"efused with ([^.]+)\.")
_CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")


def promised() -> set[str]:
    """Return the codes in the contracts' docstrings."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "services/contracts").glob("*.py")]
    return {code for text in texts for promise in _PROMISED.findall(text) for code in _CODE.findall(promise)}


def texts_for(raised: RaisedCode, language: Language) -> dict[str, str]:
    """Return the possible texts of a raised code."""
    catalogue = messages.catalogue(language)
    if raised.reason == "*":
        return {key: text for key, text in catalogue.items() if key.partition(".")[0] == raised.code}
    special = f"{raised.code}.{raised.reason}"
    key = special if special in catalogue else raised.code
    return {key: catalogue[key]}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", Language)
def test_every_code_has_a_text(language: Language) -> None:
    codes = promised() | OF_THE_GATEWAY | {one.code for one in raised_codes()}
    assert {"SIGN_IN_FAILED", "NOT_ON_ROUTE", "CUSTOMER_NOT_RECOGNISED", "TOO_LONG"} <= codes
    assert codes - set(messages.catalogue(language)) == set()


@pytest.mark.parametrize("language", Language)
def test_every_placeholder_of_a_text_has_a_param(language: Language) -> None:
    gaps = [
        (raised, key, placeholders(text) - raised.params)
        for raised in raised_codes()
        for key, text in texts_for(raised, language).items()
        if placeholders(text) - raised.params and raised.code != MADE_BY_THE_GATEWAY
    ]
    assert gaps == []


@pytest.mark.parametrize("language", Language)
def test_every_text_can_be_formatted(language: Language) -> None:
    for raised in raised_codes():
        for key in texts_for(raised, language):
            reason = key.partition(".")[2]
            params = {name: f"<{name}>" for name in raised.params} | {"traceId": "<traceId>", "reason": reason}
            shown = messages.text(raised.code, language, params)
            assert not set("{}…") & set(shown), (raised, shown)
            assert shown[0].isupper() and shown != raised.code, (raised, shown)


def test_every_text_is_of_a_raised_code() -> None:
    catalogue = messages.catalogue(Language.EN)
    shown = {key for raised in raised_codes() for key in texts_for(raised, Language.EN)}
    assert set(catalogue) - shown - UNRAISED - OF_THE_GATEWAY - promised() == set()


def test_every_reason_of_malformed_has_its_text() -> None:
    reasons = {key.partition(".")[2] for key in messages.catalogue(Language.EN) if key.startswith("MALFORMED.")}
    assert reasons == set(typing.get_args(MalformedReason))


def test_the_languages_have_the_same_placeholders() -> None:
    def shape(language: Language) -> dict[str, set[str]]:
        return {code: placeholders(text) for code, text in messages.catalogue(language).items()}

    english = shape(Language.EN)
    assert all(shape(language) == english for language in Language)


def test_no_text_is_untranslated() -> None:
    same_in_all = {"PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"}
    for code in set(messages.catalogue(Language.EN)) - same_in_all:
        assert len({messages.catalogue(language)[code] for language in Language}) == len(Language), code


def test_a_reason_has_its_text() -> None:
    params = {"reason": "TOO_SHORT", "shortest": "12", "longest": "256"}
    assert messages.text("WEAK_PASSWORD", Language.NB, params) == "Passordet er for kort: minst 12 tegn."
    assert "vähintään 12" in messages.text("WEAK_PASSWORD", Language.FI, {"shortest": "12"})


def test_a_missing_parameter_is_no_error() -> None:
    assert messages.text("TOO_LONG", Language.EN) == "The period is too long: at most … days at a time."
    assert messages.text("UNHEARD_OF", Language.EN) == "UNHEARD_OF"
