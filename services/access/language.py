"""In which language a request is answered: as its ``Accept-Language`` says, else in its user's own."""

import functools
import re

from services.contracts.identity import Language

DEFAULT_LANGUAGE = Language.FI
"""For those of whom nothing is known."""

_MAX_HEADER_LENGTH = 1000
"""Characters of the header that are read: browsers send less than a hundred."""

# RFC 9110, sections 12.4.2 and 12.5.4; RFC 4647, section 2.1.
_LANGUAGE_RANGE = re.compile(
    r"(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)
_BY_SUBTAG = {**{language.value: language for language in Language}, "no": Language.NB, "nn": Language.NB}
"""Languages by their subtag: who asks for Norwegian, or for its other written form, reads Bokmål."""


@functools.lru_cache(maxsize=1000)
def language_of(accepted: str, locale: str = "") -> Language:
    """Return the language for a value of ``Accept-Language``; ``locale`` is the user's own, empty if it is not known.

    The language with the highest weight is taken, of equals the first; ``en-GB`` asks for ``en`` (RFC 4647, section
    3.4). Where the header names none of ours, or just ``*``, it is the user's own, else Finnish; one with weight 0 is
    taken only if there is nothing else.
    """
    weights, refused, others = _parse_weights(accepted)
    named = [language for language in weights if language not in refused]
    best = max(named, key=weights.__getitem__, default=None)
    if best is not None and weights[best] >= others:
        return best
    own = _BY_SUBTAG.get(locale, DEFAULT_LANGUAGE)
    unnamed = (
        language
        for language in (own, DEFAULT_LANGUAGE, *Language)
        if language not in weights and language not in refused
    )
    return next(unnamed, best or own)


def _parse_weights(accepted: str) -> tuple[dict[Language, float], set[Language], float]:
    """The weights of languages that are named, in their order, those with weight 0, and the weight of all others."""
    weights: dict[Language, float] = {}
    refused: set[Language] = set()
    others = 0.0
    if len(accepted) > _MAX_HEADER_LENGTH:
        accepted = accepted[:_MAX_HEADER_LENGTH].rpartition(",")[0]
    for part in accepted.split(","):
        found = _LANGUAGE_RANGE.fullmatch(part.strip(" \t"))
        if found is None:
            continue
        tag, weight = found[1].lower(), float(found[2] or 1)
        language = _BY_SUBTAG.get(tag.partition("-")[0])
        if tag == "*":
            others = weight
        elif language is not None and weight:
            weights[language] = max(weight, weights.get(language, 0.0))
        # To refuse one variety, or the other Norwegian, is not to refuse the language.
        elif language is not None and tag == language.value:
            refused.add(language)
    return weights, refused, others
