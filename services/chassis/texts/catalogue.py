"""Catalogues of texts: PO files of gettext, a folder an owner and a file a language.

The ``msgid`` is the text's key in every language, and English is a translation like the others. ``{name}`` is filled
from the parameters; ``{name:date}``, ``{name:time}`` and ``{name:number}`` are written as the language writes them. A
text with plural forms names the parameter that is counted in its ``msgid_plural``: ``{seconds}``.
"""

import datetime as dt
import functools
import gettext
import io
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from services.chassis.texts.formats import format_date, format_number, format_time
from services.contracts.identity.people import Language


class Catalogue:
    """The texts of one owner in one language."""

    def __init__(
        self, language: Language, translations: gettext.NullTranslations, counted: Mapping[str, str | None]
    ) -> None:
        self.language = language
        self.counted = counted
        """Every key, with the parameter that its plural forms count; None without plural forms."""
        self._translations = translations
        self._formatter = _ParameterFormatter(language)

    def text(self, key: str, **params: object) -> str:
        """Return a text; raise KeyError for an unknown key or a missing parameter."""
        return self._fill(key, params)

    def problem_text(self, code: str, params: Mapping[str, object] | None = None) -> str:
        """Return the text of a problem: of ``CODE.REASON`` if its params have such a ``reason``, else of ``CODE``.

        A process of a newer build may send what this one does not know: an unknown code is its own text, and a missing
        parameter is an ellipsis.
        """
        params = _EllipsisForMissing(params or {})
        special = f"{code}.{params['reason']}"
        key = special if special in self.counted else code
        return self._fill(key, params) if key in self.counted else code

    def _fill(self, key: str, params: Mapping[str, object]) -> str:
        counted = self.counted[key]
        if counted is None:
            template = self._translations.gettext(key)
        else:
            count = _integer(params[counted])
            template = self._translations.ngettext(key, key, _MANY if count is None else count)
        return self._formatter.vformat(template, (), params)


_MANY = 10
"""The count whose plural form is shown for a count that is no integer."""


@functools.cache
def load_catalogue(folder: Path, language: Language) -> Catalogue:
    """Load the texts of a language from the folder of their owner."""
    # The files are compiled here, at their first use: nothing compiled is committed, or has to be built and installed.
    with (folder / f"{language.value}.po").open("rb") as file:
        messages = read_po(file, locale=language.value, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    counted: dict[str, str | None] = {}
    for message in messages:
        if isinstance(message.id, str):
            counted[message.id] = None
        else:
            key, parameter = message.id
            counted[key] = parameter.strip("{}")
    counted.pop("", None)  # the file's header
    return Catalogue(language, gettext.GNUTranslations(compiled), counted)


class _ParameterFormatter(string.Formatter):
    """A formatter of parameters, with the formats ``date``, ``time`` and ``number``.

    Parameters of problems arrive as strings: those that are no day or no integer are shown as they are.
    """

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "date":
                day = _day(value)
                return str(value) if day is None else format_date(day, self._language)
            case "time":
                return format_time(value, self._language)
            case "number":
                number = _integer(value)
                return str(value) if number is None else format_number(number, self._language)
            case _:
                return format(value, format_spec)


def _day(value: object) -> dt.date | None:
    try:
        return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
    except ValueError:
        return None


def _integer(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


class _EllipsisForMissing(dict[str, object]):
    """Parameters with an ellipsis in place of a missing one."""

    def __missing__(self, name: str) -> str:
        return "…"
