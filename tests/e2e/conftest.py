"""A stack with the demonstration data, for all who only use it."""

from collections.abc import Iterator

import pytest

from tests.support.stack import RunningStack, new_stack, running


@pytest.fixture(scope="package")
def demonstration() -> Iterator[RunningStack]:
    """Started when the first test asks for it."""
    with running(new_stack(), demo=True) as made:
        yield made
