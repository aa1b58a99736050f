"""Contract of the files of things: links to download them by."""

import datetime as dt

from services.contracts.values import Value


class FileLink(Value, frozen=True, kw_only=True):
    """A link to a file, for its bearer. ``url`` is relative to the gateway's address, and a GET of it needs no header
    field; it is good until ``expires_at``: read the link again for a new one. ``size`` is in bytes.
    """

    name: str
    size: int
    url: str
    expires_at: dt.datetime
