"""Numbers of examples of property tests: ``few`` in ``make test``, ``all`` in ``make verify``.

They are Hypothesis profiles: ``pytest --hypothesis-profile all``. None has a deadline, for the machine may be busy.
"""

import pytest
from hypothesis import settings

_FULL_COUNT = 100
"""Examples of a test that names no number."""

settings.register_profile("few", max_examples=_FULL_COUNT // 5, deadline=None)
settings.register_profile("all", max_examples=_FULL_COUNT, deadline=None)
settings.load_profile("few")


property_test = pytest.mark.hypothesis
"""Marker of a test that draws inside of it, for ``make verify``; Hypothesis marks all others."""


def max_examples(count: int) -> int:
    """Return the number of examples in this run's profile for a test with ``count`` of them."""
    return max(1, count * settings().max_examples // _FULL_COUNT)
