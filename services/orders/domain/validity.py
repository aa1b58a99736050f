"""Data with validity dates: both inclusive, and unlimited without an end (O16)."""

import datetime as dt
from typing import Annotated

from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Number = Annotated[str, Meta(min_length=1, max_length=50)]


def is_valid_on(valid_from: dt.date, valid_until: dt.date | None, day: dt.date) -> bool:
    """Return whether ``day`` lies within the validity dates."""
    return valid_from <= day and (valid_until is None or day <= valid_until)
