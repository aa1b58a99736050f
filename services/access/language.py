"""Language negotiation: by ``Accept-Language``, else the user's own language."""

import functools
import re

from services.contracts.identity.people import Language

DEFAULT_LANGUAGE = Language.FI
"""The language of a request without any preference."""

_MAX_HEADER_LENGTH = 1000
"""Characters of the header that are read: browsers send less than a hundred."""

# RFC 9110, sections 12.4.2 and 12.5.4; RFC 4647, section 2.1.
_LANGUAGE_RANGE = re.compile(
    r"(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:[ \t]*;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII | re.IGNORECASE,
)
_BY_SUBTAG = {**{language.value: language for language in Language}, "no": Language.NB, "nn": Language.NB}
"""Languages by their subtag. Norwegian, and its other written form, are served as Bokmål."""


@functools.lru_cache(maxsize=1000)
def language_of(accepted: str, locale: str = "") -> Language:
    """Return the language for a value of ``Accept-Language``; ``locale`` is the user's own, empty if unknown.

    The language with the highest weight is chosen, of equals the first; ``en-GB`` matches ``en`` (RFC 4647, section
    3.4). Without a match, or with ``*``, it is the user's own language, else Finnish. A language with weight 0 is
    chosen only if no other is left.
    """
    weights, refused, others = _parse_weights(accepted)
    listed = [language for language in weights if language not in refused]
    best = max(listed, key=weights.__getitem__, default=None)
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
    """Return the weights of listed languages, in their order, the languages with weight 0, and the weight of ``*``."""
    weights: dict[Language, float] = {}
    refused: set[Language] = set()
    others = 0.0
    if len(accepted) > _MAX_HEADER_LENGTH:
        accepted = accepted[:_MAX_HEADER_LENGTH].rpartition(",")[0]
    for part in accepted.split(","):
        match = _LANGUAGE_RANGE.fullmatch(part.strip(" \t"))
        if match is None:
            continue
        tag, weight = match[1].lower(), float(match[2] or 1)
        language = _BY_SUBTAG.get(tag.partition("-")[0])
        if tag == "*":
            others = weight
        elif language is not None and weight:
            weights[language] = max(weight, weights.get(language, 0.0))
        # Weight 0 of one variety, or of the other Norwegian, does not refuse the language.
        elif language is not None and tag == language.value:
            refused.add(language)
    return weights, refused, others
