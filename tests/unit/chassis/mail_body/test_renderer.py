"""Bodies of mail: one layout, as text and HTML, in which values are shown and never interpreted."""

from html import escape
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from services.chassis.mail_body.renderer import MailBody, load_template
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.catalogue import Catalogue, load_catalogue
from services.contracts.identity.people import Language

SWEDISH = r"""
msgid ""
msgstr ""
"Language: sv\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "HELLO"
msgstr "Hej {name} & välkommen!"
"""
LETTERHEAD = Letterhead(name="Avfall & Co", address=["Hamngatan 1", "00100 Helsingfors"])
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "{{ 7 * 7 }}",
    "{% include 'layout.txt' %}{# x #}",
    "</mj-text><mj-raw>",
    "--><!--",
    "]]>&amp;",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sv.po").write_text(SWEDISH, encoding="utf-8")
    (tmp_path / "letter.mjml").write_text('<mj-text>{{ text("HELLO", name=name) }}</mj-text>', encoding="utf-8")
    (tmp_path / "letter.txt").write_text(
        '{% extends "layout.txt" %}{% block content %}{{ text("HELLO", name=name) }}{% endblock %}', encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def texts(folder: Path) -> Catalogue:
    return load_catalogue(folder, Language.SV)


def render(folder: Path, texts: Catalogue, subject: str = "Hej", **values: str) -> MailBody:
    return load_template(folder, "letter").render(texts, LETTERHEAD, subject=subject, **values)


def test_a_mail_is_text_and_html_in_its_language(folder: Path, texts: Catalogue) -> None:
    mail = render(folder, texts, name="Mirja")
    assert mail.text == "Hej Mirja & välkommen!\n\n-- \nAvfall & Co\nHamngatan 1\n00100 Helsingfors\n"
    assert "Hej Mirja &amp; välkommen!" in mail.html
    assert '<html lang="sv" ' in mail.html
    assert "<title>Hej</title>" in mail.html
    assert "Avfall &amp; Co<br />Hamngatan 1<br />00100 Helsingfors" in mail.html


def test_the_layout_is_light_and_dark_and_loads_nothing(folder: Path, texts: Catalogue) -> None:
    html = render(folder, texts, name="Mirja").html
    assert '<meta name="color-scheme" content="light dark" />' in html
    assert "@media (prefers-color-scheme: dark)" in html
    assert "src=" not in html and "@import" not in html and "<link" not in html


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_shown_and_never_interpreted(folder: Path, texts: Catalogue, value: str) -> None:
    mail = render(folder, texts, value, name=value)
    plain = render(folder, texts, "", name="")
    assert f"Hej {value} & välkommen!" in mail.text
    shown = escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    assert f"Hej {shown} &amp; välkommen!" in mail.html
    assert f"<title>{shown}</title>" in mail.html
    assert mail.html.replace(shown, "") == plain.html


def test_a_missing_value_is_an_error(folder: Path, texts: Catalogue) -> None:
    with pytest.raises(UndefinedError):
        render(folder, texts)
