"""``make check``'s rules for texts: each owner's catalogues have what its code shows, whole and in every language.

A text is reported that is missing, unused, fuzzy, empty, untranslated, repeated or obsolete; whose plural forms are
incomplete; whose parameters differ between languages, have an unknown format, or are not given by the code.
"""

import re
import string
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from babel.messages import Catalog
from babel.messages.pofile import PoFileError, read_po

from services.contracts.identity.people import Language
from tests.text_usage import OWNERS, Usage

ROOT = Path(__file__).parents[1]
LANGUAGES = [language.value for language in Language]
_FORMATS = {"", "date", "time", "number"}
_KEY = re.compile(r'^msgid "(.+)"$', re.MULTILINE)
_LINE = re.compile(r'(?:#.*|(?:(?:msgid|msgid_plural|msgstr|msgstr\[\d\]) )?"(?:[^"\\]|\\.)*")?')
_PARAMETER = re.compile(r"\{[a-zA-Z_]+\}")


class Text(NamedTuple):
    """A text of a catalogue. ``counted`` is its ``msgid_plural``, empty without plural forms."""

    counted: str
    forms: tuple[str, ...]
    fuzzy: bool


class InvalidText(Exception):
    """A text that can't be formatted."""


def complaints(folder: Path, usage: Usage) -> Iterator[str]:
    """Yield each fault of the catalogues in a folder; ``usage`` is of their owner's code."""
    if surplus := sorted(path.name for path in folder.iterdir() if path.stem not in LANGUAGES or path.suffix != ".po"):
        yield f"{folder}: {', '.join(surplus)}: no catalogue of a language"
    catalogues: dict[str, dict[str, Text]] = {}
    for language in LANGUAGES:
        path = folder / f"{language}.po"
        try:
            source = path.read_text(encoding="utf-8")
            catalogue = read_po(source.splitlines(keepends=True), abort_invalid=True)
        except (OSError, PoFileError) as error:
            yield f"{path}: {error}"
            continue
        yield from (f"{path}: {fault}" for fault in _file_faults(catalogue, language, source))
        catalogues[language] = texts = {}
        for message in catalogue:
            key, *counted = [message.id] if isinstance(message.id, str) else message.id
            if key:
                forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
                texts[key] = Text("".join(counted), forms, message.fuzzy)
    known = {key for texts in catalogues.values() for key in texts}
    shown = usage(known)
    for key in sorted(known | set(shown)):
        texts = {language: texts[key] for language, texts in catalogues.items() if key in texts}
        yield from (f"{folder}: {key}: {fault}" for fault in _text_faults(texts, catalogues.keys() - texts.keys()))
        if key not in shown:
            yield f"{folder}: {key}: unused"
        elif (given := shown[key]) is not None:
            yield from (f"{folder}: {key}: {fault}" for fault in _unfilled(texts, given))


def _file_faults(catalogue: Catalog, language: str, source: str) -> Iterator[str]:
    expected = Catalog(locale=language)
    if catalogue.locale != expected.locale or catalogue.plural_forms != expected.plural_forms:
        yield f'the header should have "Language: {language}" and "Plural-Forms: {expected.plural_forms}"'
    for number, line in enumerate(source.splitlines(), 1):
        if not _LINE.fullmatch(line):
            yield f"line {number} is not of a catalogue"
    for key, count in Counter(_KEY.findall(source)).items():
        if count > 1:
            yield f"{key}: repeated"
    for key in catalogue.obsolete:
        yield f"{key}: obsolete"


def _text_faults(texts: Mapping[str, Text], lacking: set[str]) -> Iterator[str]:
    """Yield the faults of a text, given in some languages and lacking in others."""
    if lacking:
        yield f"missing in {', '.join(sorted(lacking))}"
    for language, text in texts.items():
        if text.fuzzy:
            yield f"fuzzy in {language}"
        if not all(form.strip() for form in text.forms):
            yield f"plural forms are incomplete in {language}" if text.counted else f"empty in {language}"
    if len({text.counted for text in texts.values()}) > 1:
        yield "counted differently in some languages"
    elif any(text.counted and not _PARAMETER.fullmatch(text.counted) for text in texts.values()):
        yield "msgid_plural should name the counted parameter, such as {count}"
    try:
        parameters = [frozenset(_parameters(form) | _counted(text)) for text in texts.values() for form in text.forms]
    except InvalidText as error:
        yield str(error)
    else:
        if len(set(parameters)) > 1:
            yield "parameters differ"
    sentences = Counter(text.forms for text in texts.values() if " " in text.forms[0])
    if any(count > 1 for count in sentences.values()):
        yield "untranslated: the same in several languages"


def _unfilled(texts: Mapping[str, Text], given: frozenset[str]) -> Iterator[str]:
    needed = {name for text in texts.values() for form in text.forms for name, _ in _parameters(form, lenient=True)}
    if unfilled := sorted(needed - given):
        yield f"nothing fills {', '.join(unfilled)}"


def _counted(text: Text) -> set[tuple[str, str]]:
    """Return the counted parameter, which a form may leave out: "one second"."""
    return {(text.counted.strip("{}"), "number")} if text.counted else set()


def _parameters(form: str, *, lenient: bool = False) -> set[tuple[str, str]]:
    """Return the parameters of a text, each with its format."""
    try:
        fields = list(string.Formatter().parse(form))
    except ValueError as error:
        if lenient:
            return set()
        raise InvalidText(f"{error}: {form}") from None
    found = {(name, spec or "") for _, name, spec, _ in fields if name is not None}
    for name, spec in found:
        if not lenient and (not name.isidentifier() or spec not in _FORMATS):
            raise InvalidText(f"{{{name}{':' if spec else ''}{spec}}} is no parameter with a known format")
    return found


def main() -> int:
    """Print each fault of the repository's texts; the exit code is 1 if there is one."""
    folders = {
        str(path.parent.relative_to(ROOT)) for top in ("gateway", "services") for path in (ROOT / top).rglob("*.po")
    }
    found = [f"{folder}: add its owner to tests/text_usage.py" for folder in sorted(folders - OWNERS.keys())]
    for folder, usage in OWNERS.items():
        found += complaints(ROOT / folder, usage)
    print("\n".join(line.replace(f"{ROOT}/", "") for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
