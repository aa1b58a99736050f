"""Contract of the files of things: links to download them by."""

import datetime as dt

from services.contracts.values import Id, Value


class FileLink(Value, frozen=True, kw_only=True):
    """A link to a file, for its bearer."""

    name: str
    """The name of the file."""
    size: int
    """The size, in bytes."""
    url: str
    """The address, relative to the gateway's. A GET of it needs no header field."""
    expires_at: dt.datetime
    """The time until which the address is good: read the link again for a new one."""


class UploadedFile(Value, frozen=True, kw_only=True):
    """A file that was uploaded. It is deleted after a day, unless a command names it."""

    id: Id
    """The id, which the command names."""
    name: str
    """The name of the file."""
    media_type: str
    """The type of its content."""
    size: int
    """The size in bytes: of an image, after it was encoded again."""
