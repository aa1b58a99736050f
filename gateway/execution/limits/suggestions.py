"""Suggestions in graphql-core's errors, which reveal names of the schema."""

import re

_SUGGESTION = re.compile(
    r" Did you mean (?:the enum value |to use an inline fragment on )?'\w+'(?:, '\w+')*(?:,? or '\w+')?\?"
)


def without_suggestions(message: str) -> str:
    """Return an error's message without graphql-core's suggestion ("Did you mean ...?")."""
    return _SUGGESTION.sub("", message)
