"""Catalogues: texts by key, with parameters, plural forms and formats."""

import datetime as dt
from pathlib import Path

import pytest

from services.chassis.texts.catalogue import Catalogue, load_catalogue
from services.contracts.identity.people import Language

FINNISH = """
msgid ""
msgstr ""
"Language: fi\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "WAIT"
msgid_plural "{seconds}"
msgstr[0] "Odota sekunti."
msgstr[1] "Odota {seconds:number} sekuntia."

msgid "RECEIVED"
msgstr "Saapui {moment:date} klo {moment:time}."

msgid "WRONG"
msgstr "Arvo {value} on väärä."

msgid "WRONG.DAY"
msgstr "Päivä {day:date} on väärä."
"""


@pytest.fixture
def texts(tmp_path: Path) -> Catalogue:
    (tmp_path / "fi.po").write_text(FINNISH, encoding="utf-8")
    return load_catalogue(tmp_path, Language.FI)


def test_plural_forms(texts: Catalogue) -> None:
    assert [texts.text("WAIT", seconds=count) for count in (0, 1, 2, 1000)] == [
        "Odota 0 sekuntia.",
        "Odota sekunti.",
        "Odota 2 sekuntia.",
        "Odota 1\N{NO-BREAK SPACE}000 sekuntia.",
    ]


def test_days_and_times(texts: Catalogue) -> None:
    moment = dt.datetime(2026, 3, 4, 9, 5, tzinfo=dt.UTC)
    assert texts.text("RECEIVED", moment=moment) == "Saapui 4.3.2026 klo 9.05."


def test_a_text_of_the_product_is_whole_or_an_error(texts: Catalogue) -> None:
    with pytest.raises(KeyError):
        texts.text("UNHEARD_OF")
    with pytest.raises(KeyError):
        texts.text("WRONG")
    with pytest.raises(KeyError):
        texts.text("WAIT")


def test_the_reason_of_a_problem_goes_before_its_code(texts: Catalogue) -> None:
    assert texts.problem_text("WRONG", {"reason": "DAY", "day": "2026-03-04"}) == "Päivä 4.3.2026 on väärä."
    assert texts.problem_text("WRONG", {"reason": "NEW", "value": "x"}) == "Arvo x on väärä."


def test_a_problem_of_another_build_is_shown_as_far_as_it_is_known(texts: Catalogue) -> None:
    assert texts.problem_text("UNHEARD_OF") == "UNHEARD_OF"
    assert texts.problem_text("WRONG") == "Arvo … on väärä."
    assert texts.problem_text("WRONG", {"reason": "DAY", "day": "tomorrow"}) == "Päivä tomorrow on väärä."
    assert texts.problem_text("WAIT", {"seconds": "some"}) == "Odota some sekuntia."


@pytest.mark.parametrize("value", ["{day}", "{0}", "%s", "{value.__class__}", "}{"])
def test_the_braces_of_a_value_are_its_own(texts: Catalogue, value: str) -> None:
    assert texts.problem_text("WRONG", {"value": value}) == f"Arvo {value} on väärä."


def test_the_header_is_no_text(texts: Catalogue) -> None:
    assert texts.problem_text("") == ""
    assert "" not in texts.counted
