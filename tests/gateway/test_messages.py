"""Every code that a service refuses with has a text in all four languages."""

import re
import string
from pathlib import Path

import pytest

from gateway import messages
from services.contracts.identity import Language

ROOT = Path(__file__).parents[2]
OF_THE_GATEWAY = {"FORBIDDEN", "UNAUTHENTICATED", "UNAVAILABLE", "NOT_READY_YET", "MALFORMED", "TOO_LARGE"}

_RAISED = re.compile(
    r'(?:refuse\(|Problem\(\s*code=|Refused(?:Operation)?\(\d+,|super\(\).__init__\(\d+,)\s*"([A-Z_]+)"'
)
_PROMISED = re.compile(r"efused with ([^.]+)\.")
_CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")


def codes() -> set[str]:
    found = set(OF_THE_GATEWAY)
    for path in [*(ROOT / "services").rglob("*.py"), *(ROOT / "gateway").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found.update(_RAISED.findall(text))
        if path.parent.name == "contracts":
            for promise in _PROMISED.findall(text):
                found.update(_CODE.findall(promise))
    return found


@pytest.mark.parametrize("language", Language)
def test_every_code_has_a_text(language: Language) -> None:
    assert {"SIGN_IN_FAILED", "NOT_ON_ROUTE", "CUSTOMER_NOT_RECOGNISED", "TOO_LONG"} <= codes()
    assert codes() - set(messages.catalogue(language)) == set()


def test_the_languages_say_the_same() -> None:
    def shape(language: Language) -> dict[str, set[str]]:
        return {
            code: {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for code, text in messages.catalogue(language).items()
        }

    english = shape(Language.EN)
    assert all(shape(language) == english for language in Language)


def test_a_reason_has_its_own_words() -> None:
    params = {"reason": "TOO_SHORT", "shortest": "12", "longest": "256"}
    assert messages.text("WEAK_PASSWORD", Language.NB, params) == "Passordet er for kort: minst 12 tegn."
    assert "vähintään 12" in messages.text("WEAK_PASSWORD", Language.FI, {"shortest": "12"})


def test_a_missing_parameter_is_no_error() -> None:
    assert messages.text("TOO_LONG", Language.EN) == "The period is too long: at most … days at a time."
    assert messages.text("UNHEARD_OF", Language.EN) == "UNHEARD_OF"
