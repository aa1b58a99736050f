"""A stack with the demonstration data, for all who only use it."""

from collections.abc import Iterator

import pytest

from tests.support.stack import RunningStack, new_stack


@pytest.fixture(scope="package")
def demonstration() -> Iterator[RunningStack]:
    """Started when the first test asks for it."""
    made = new_stack()
    try:
        made.start(demo=True)
        yield made
    finally:
        made.stop()
        made.delete()
