"""Which writing systems a name mixes: letters of one look like another's (Unicode Technical Standard 39)."""

import regex

_WRITING_SYSTEMS = (
    *("Arab", "Armn", "Beng", "Bopo", "Cyrl", "Deva", "Ethi", "Geor", "Grek", "Gujr", "Guru", "Hang", "Hani", "Hebr"),
    *("Hira", "Kana", "Khmr", "Knda", "Laoo", "Latn", "Mlym", "Mymr", "Orya", "Sinh", "Taml", "Telu", "Thaa", "Thai"),
    *("Tibt", "Hani Hira Kana", "Hani Bopo", "Hani Hang"),
)
"""The scripts in use today (UAX 31, table 5), by their codes in ISO 15924; Chinese, Japanese and Korean mix some."""
_NEUTRAL = r"\p{scx=Zyyy}\p{scx=Zinh}"
"""Digits, punctuation and the like, and marks that take on the script of what they stand on."""


def _pattern_of(system: str) -> str:
    return "[" + "".join(rf"\p{{scx={script}}}" for script in system.split()) + _NEUTRAL + "]*"


_IN_ONE_SYSTEM = regex.compile("|".join(map(_pattern_of, _WRITING_SYSTEMS)))
_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def is_in_one_script(text: str) -> bool:
    """Whether all letters of a text belong to one script, or to those of one language (UTS 39, section 5.1)."""
    return _IN_ONE_SYSTEM.fullmatch(text) is not None


def has_ignorable(text: str) -> bool:
    """Whether a text has code points that are not shown at all."""
    return _IGNORABLE.search(text) is not None
