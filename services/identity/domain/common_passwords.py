"""Common passwords, by rule: a list would name only those of yesterday.

Users who must choose a long password concatenate obvious parts: ``Salasana2024!``, ``qwertyuiop12``, ``abcabcabcabc``.
So the obvious parts are removed, and the rest must be long enough. Obvious are: words for a password or for this place
in the four languages (also with digits and signs for letters, ``p4ssw0rd``), three or more neighbours of the alphabet,
of the digits or of the keyboard, in either direction, three or more equal characters, and years.
"""

import re
import unicodedata

_MIN_REMAINING = 4
"""The least number of characters beside the obvious ones. Fewer can be enumerated."""
_MIN_DISTINCT = 5

_WORDS = (
    # passwords, secrets, signing in
    *("password", "passwort", "passord", "salasana", "lösenord", "losenord", "passphrase", "passcode", "tunnussana"),
    *("secret", "salainen", "hemlig", "hemmelig", "letmein", "welcome", "tervetuloa", "välkommen", "velkommen"),
    *("changeme", "vaihdaminut", "default", "oletus", "login", "admin", "administrator", "root", "user", "guest"),
    *("käyttäjä", "asiakas", "kunde", "kund", "customer", "testi", "test", "demo"),
    # love, idols, places
    *("iloveyou", "rakastan", "princess", "prinsessa", "sunshine", "dragon", "monkey", "football", "jalkapallo"),
    *("superman", "batman", "master", "whatever", "perkele", "suomi", "finland", "sverige", "norge", "helsinki"),
    # Kierto and its trade
    *("kierto", "kierrätys", "jäte", "jätteet", "avfall", "waste", "recycling"),
    # the seasons, for passwords that are changed regularly
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
    """Return whether a password is common."""
    text = unicodedata.normalize("NFC", password.casefold())
    if len(set(text)) < _MIN_DISTINCT or _is_repetition(text):
        return True
    return len(text) - len(_obvious_positions(text)) < _MIN_REMAINING


def _obvious_positions(text: str) -> set[int]:
    """Return the positions of a text that belong to an obvious part."""
    positions: set[int] = set()
    for start in range(len(text) - 2):
        three = text[start : start + 3]
        if three in _TRIPLES or len(set(three)) == 1:
            positions.update(range(start, start + 3))
    for year in _YEAR.finditer(text):
        positions.update(range(*year.span()))
    for spelling in (text, text.translate(_LEET)):
        for word in _WORDS:
            for match in re.finditer(word, spelling):
                positions.update(range(*match.span()))
    return positions


def _is_repetition(text: str) -> bool:
    """Return whether a text is a repetition of one part, the last perhaps incomplete."""
    return any(text == (text[:length] * len(text))[: len(text)] for length in range(1, len(text) // 2 + 1))
