"""The messages of errors and refusals: texts by code, from ``gateway/texts``."""

from collections.abc import Mapping
from pathlib import Path

from services.chassis.texts.catalogue import load_catalogue
from services.contracts.identity.people import Language

TEXTS = Path(__file__).parent / "texts"


def text(code: str, language: Language, params: Mapping[str, str] | None = None) -> str:
    """Return the text of a problem's code in a language; the code itself if it has none, which a check rules out."""
    return load_catalogue(TEXTS, language).problem_text(code, params)
