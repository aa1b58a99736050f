"""What errors suggest: for those who may know the schema, and for nobody else."""

import re

_SUGGESTION = re.compile(
    r" Did you mean (?:the enum value |to use an inline fragment on )?'\w+'(?:, '\w+')*(?:,? or '\w+')?\?"
)


def without_suggestions(message: str) -> str:
    """An error's message without what graphql-core suggests ("Did you mean ...?"): names that nobody was told."""
    return _SUGGESTION.sub("", message)
