"""What a refusal says to a person: texts by code, a file a language.

``{param}`` is filled from the problem. Where a problem names a ``reason``, ``"CODE.REASON"`` goes before ``CODE``.
"""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from services.contracts.identity import Language

_FOLDER = Path(__file__).parent


def text(code: str, language: Language, params: Mapping[str, str] | None = None) -> str:
    """The text of a code in a language; the code itself where there is none (a test keeps that from happening)."""
    texts, params = catalogue(language), params or {}
    found = texts.get(f"{code}.{params.get('reason')}") or texts.get(code, code)
    return found.format_map(_EllipsisForMissing(params))


@functools.cache
def catalogue(language: Language) -> dict[str, str]:
    """Every text of a language, by code."""
    with (_FOLDER / f"{language.value}.toml").open("rb") as file:
        return tomllib.load(file)


class _EllipsisForMissing(dict[str, str]):
    """A parameter that a refusal left out shows as an ellipsis, not as an error."""

    def __missing__(self, name: str) -> str:
        return "…"
