"""Detection of mixed scripts, whose letters look alike (Unicode Technical Standard 39)."""

import regex

_WRITING_SYSTEMS = (
    *("Arab", "Armn", "Beng", "Bopo", "Cyrl", "Deva", "Ethi", "Geor", "Grek", "Gujr", "Guru", "Hang", "Hani", "Hebr"),
    *("Hira", "Kana", "Khmr", "Knda", "Laoo", "Latn", "Mlym", "Mymr", "Orya", "Sinh", "Taml", "Telu", "Thaa", "Thai"),
    *("Tibt", "Hani Hira Kana", "Hani Bopo", "Hani Hang"),
)
"""The scripts in use today (UAX 31, table 5), by their codes in ISO 15924; Chinese, Japanese and Korean mix some."""
_NEUTRAL = r"\p{scx=Zyyy}\p{scx=Zinh}"
"""Common characters such as digits and punctuation, and marks that inherit the script of their base character."""


def _pattern_of(system: str) -> str:
    return "[" + "".join(rf"\p{{scx={script}}}" for script in system.split()) + _NEUTRAL + "]*"


LOOK_ALIKES = str.maketrans(
    "авԁекһіјӏмнорԛѕтуԝхѵ" "αβεζηικμνορτυχ" "օոսհցզ" "01",
    "abdekhijlmhopqstywxv" "abezhikmvoptux" "onuhgq" "ol",
)  # fmt: skip
"""Case-folded letters of Cyrillic, Greek and Armenian, and digits, that look like a Latin letter."""

_IN_ONE_SYSTEM = regex.compile("|".join(map(_pattern_of, _WRITING_SYSTEMS)))
_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")


def is_in_one_script(text: str) -> bool:
    """Return whether all letters of a text belong to one writing system (UTS 39, section 5.1)."""
    return _IN_ONE_SYSTEM.fullmatch(text) is not None


def has_ignorable(text: str) -> bool:
    """Return whether a text has invisible code points."""
    return _IGNORABLE.search(text) is not None
