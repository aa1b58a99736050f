"""The messages of errors and refusals: texts by code, a file a language.

``{param}`` is replaced by the problem's parameter. If a problem has a ``reason``, ``"CODE.REASON"`` precedes ``CODE``.
"""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from services.contracts.identity import Language

_FOLDER = Path(__file__).parent


def text(code: str, language: Language, params: Mapping[str, str] | None = None) -> str:
    """Return the text of a code in a language; the code itself if it has none, which a test rules out."""
    texts, params = catalogue(language), params or {}
    template = texts.get(f"{code}.{params.get('reason')}") or texts.get(code, code)
    return template.format_map(_EllipsisForMissing(params))


@functools.cache
def catalogue(language: Language) -> dict[str, str]:
    """Load the texts of a language, by code."""
    with (_FOLDER / f"{language.value}.toml").open("rb") as file:
        return tomllib.load(file)


class _EllipsisForMissing(dict[str, str]):
    """Parameters with an ellipsis in place of a missing one."""

    def __missing__(self, name: str) -> str:
        return "…"
