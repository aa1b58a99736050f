"""The rules for texts: each is broken once on purpose."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from services.contracts.identity.people import Language
from tests.text_usage import texts_shown
from tests.texts import complaints

HEADER = 'msgid ""\nmsgstr ""\n"Language: %s\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
TEXTS = """\
msgid "GREETING"
msgstr "Good %s, {name}."

msgid "WAIT"
msgid_plural "{seconds}"
msgstr[0] "Wait %s a second."
msgstr[1] "Wait %s for {seconds:number} seconds."
"""
SHOWN: Mapping[str, frozenset[str] | None] = {"GREETING": frozenset({"name"}), "WAIT": frozenset({"seconds"})}
GREETING = 'msgid "GREETING"\n'


def write(folder: Path, language: str, old: str = "", new: str = "") -> None:
    text = HEADER % language + TEXTS.replace("%s", language)
    assert old in text
    (folder / f"{language}.po").write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for language in Language:
        write(tmp_path, language.value)
    return tmp_path


def faults(folder: Path, shown: Mapping[str, frozenset[str] | None] = SHOWN) -> list[str]:
    return [line.removeprefix(f"{folder}") for line in complaints(folder, lambda keys: shown)]


def test_whole_catalogues_have_no_fault(folder: Path) -> None:
    assert faults(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (GREETING, 'msgid "FAREWELL"\n', ": GREETING: missing in sv"),
        (GREETING, f"#, fuzzy\n{GREETING}", ": GREETING: fuzzy in sv"),
        ("Good sv, {name}.", "", ": GREETING: empty in sv"),
        ("Wait sv a second.", "", ": WAIT: plural forms are incomplete in sv"),
        ('msgstr[1] "Wait sv for {seconds:number} seconds."\n', "", ": WAIT: plural forms are incomplete in sv"),
        ('msgid_plural "{seconds}"', 'msgid_plural "{hours}"', ": WAIT: counted differently in some languages"),
        ("{name}", "{nmae}", ": GREETING: parameters differ"),
        ("{name}", "{name:date}", ": GREETING: parameters differ"),
        ("{name}", "{name:day}", ": GREETING: {name:day} is no parameter with a known format"),
        ("{name}", "{name.title}", ": GREETING: {name.title} is no parameter with a known format"),
        ("{name}", "{name", ": GREETING: expected '}' before end of string: Good sv, {name."),
        ("Good sv", "Good fi", ": GREETING: untranslated: the same in several languages"),
        ("n != 1", "n > 1", '/sv.po: the header should have "Language: sv" and "Plural-Forms: nplurals=2; plural='),
        ("Language: sv", "Language: da", '/sv.po: the header should have "Language: sv" and'),
        ("", '\n#~ msgid "OLD"\n#~ msgstr "Gammal"\n', "/sv.po: OLD: obsolete"),
        ("", '\nmsgid "GREETING"\nmsgstr "Hej, {name}."\n', "/sv.po: GREETING: repeated"),
        ('msgstr "Good', "msgstr Good", "/sv.po: line 7 is not of a catalogue"),
        (GREETING, f'msgctxt "mail"\n{GREETING}', "/sv.po: line 6 is not of a catalogue"),
    ],
)
def test_a_fault_in_one_language_is_noticed(folder: Path, old: str, new: str, fault: str) -> None:
    write(folder, "sv", old, new)
    assert any(line.startswith(fault) for line in faults(folder)), faults(folder)


def test_a_counted_parameter_has_a_name(folder: Path) -> None:
    for language in Language:
        write(folder, language.value, 'msgid_plural "{seconds}"', 'msgid_plural "seconds"')
    assert ": WAIT: msgid_plural should name the counted parameter, such as {count}" in faults(folder)


def test_a_text_that_no_code_shows_is_noticed(folder: Path) -> None:
    assert faults(folder, {"GREETING": None}) == [": WAIT: unused"]


def test_a_text_that_the_code_shows_is_missing(folder: Path) -> None:
    assert faults(folder, {**SHOWN, "FAREWELL": None}) == [": FAREWELL: missing in en, fi, nb, sv"]


def test_a_parameter_that_the_code_does_not_give_is_noticed(folder: Path) -> None:
    assert faults(folder, {**SHOWN, "GREETING": frozenset({"title"})}) == [": GREETING: nothing fills name"]


def test_a_language_without_a_file_is_noticed(folder: Path) -> None:
    (folder / "nb.po").rename(folder / "no.po")
    found = faults(folder)
    assert ": no.po: no catalogue of a language" in found
    assert any(line.startswith("/nb.po: ") for line in found)


def test_the_texts_of_calls_are_found(tmp_path: Path) -> None:
    source = 'texts.text("GREETING", name="Mirja")\ntexts.text(f"TOPIC.{topic.name}")\n'
    (tmp_path / "mail.py").write_text(source, encoding="utf-8")
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "letter.txt").write_text('{{ text("FAREWELL", day=today) }} {{ name }}', encoding="utf-8")
    shown = texts_shown(tmp_path)(())
    assert shown["FAREWELL"] == frozenset({"day"})
    assert shown["GREETING"] == frozenset({"name"})
    assert {"TOPIC.PICKUP", "TOPIC.OTHER"} < shown.keys()
    (tmp_path / "mail.py").write_text("texts.text(key)\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"mail.py:1: which text is it\?"):
        texts_shown(tmp_path)(())
    (tmp_path / "mail.py").unlink()
    (tmp_path / "mail" / "letter.txt").write_text("{{ text(key) }}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"letter.txt:1: which text is it\?"):
        texts_shown(tmp_path)(())
