"""Which passwords are common: by rule, for a list could only name those of yesterday.

People who must be long about it put obvious parts together: ``Salasana2024!``, ``qwertyuiop12``, ``abcabcabcabc``. So
the obvious parts are taken away, and what is left must be worth something. Obvious are: words that stand for a
password or for this place in the four languages (also with digits and signs for letters, ``p4ssw0rd``), three or more
neighbours of the alphabet, of the digits or of the keyboard, in either direction, the same character three times or
more, and years.
"""

import re
import unicodedata

_MIN_REMAINING = 4
"""Fewer characters than this beside the obvious ones are none that a guesser would not try."""
_MIN_DISTINCT = 5

_WORDS = (
    # a password, a secret, to come in
    *("password", "passwort", "passord", "salasana", "lösenord", "losenord", "passphrase", "passcode", "tunnussana"),
    *("secret", "salainen", "hemlig", "hemmelig", "letmein", "welcome", "tervetuloa", "välkommen", "velkommen"),
    *("changeme", "vaihdaminut", "default", "oletus", "login", "admin", "administrator", "root", "user", "guest"),
    *("käyttäjä", "asiakas", "kunde", "kund", "customer", "testi", "test", "demo"),
    # what is loved, and looked at
    *("iloveyou", "rakastan", "princess", "prinsessa", "sunshine", "dragon", "monkey", "football", "jalkapallo"),
    *("superman", "batman", "master", "whatever", "perkele", "suomi", "finland", "sverige", "norge", "helsinki"),
    # this place
    *("kierto", "kierrätys", "jäte", "jätteet", "avfall", "waste", "recycling"),
    # the year's seasons, which a yearly change of password brings
    *("kesä", "talvi", "syksy", "kevät", "sommar", "sommer", "vinter", "summer", "winter", "autumn", "spring"),
)
_SEQUENCES = (
    "abcdefghijklmnopqrstuvwxyzåäö",
    "0123456789012",
    "00112233445566778899",
    "aabbccddeeffgghhiijjkkllmmnnooppqqrrssttuuvvwwxxyyzz",
    "qwertyuiopåasdfghjklöäzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "!@#$%^&*()",
    '!"#¤%&/()=?',
)
_TRIPLES = frozenset(
    line[start : start + 3] for row in _SEQUENCES for line in (row, row[::-1]) for start in range(len(row) - 2)
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_LEET = str.maketrans("01345789@$!€", "oleastbgasie")


def is_common(password: str) -> bool:
    """Whether a password is one of those that are tried first."""
    text = unicodedata.normalize("NFC", password.casefold())
    if len(set(text)) < _MIN_DISTINCT or _is_repetition(text):
        return True
    return len(text) - len(_obvious_positions(text)) < _MIN_REMAINING


def _obvious_positions(text: str) -> set[int]:
    """The places of a text that belong to something obvious."""
    places: set[int] = set()
    for start in range(len(text) - 2):
        three = text[start : start + 3]
        if three in _TRIPLES or len(set(three)) == 1:
            places.update(range(start, start + 3))
    for year in _YEAR.finditer(text):
        places.update(range(*year.span()))
    for spelling in (text, text.translate(_LEET)):
        for word in _WORDS:
            for found in re.finditer(word, spelling):
                places.update(range(*found.span()))
    return places


def _is_repetition(text: str) -> bool:
    """Whether a text is one part over and over, its last time perhaps cut short."""
    return any(text == (text[:length] * len(text))[: len(text)] for length in range(1, len(text) // 2 + 1))
