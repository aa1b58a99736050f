"""The refusal of an upload: its field, its code and its params."""

import enum
import unicodedata

MAX_NAME_LENGTH = 200
_SEPARATORS = ("/", "\\")


class UploadProblem(enum.Enum):
    """Reason why an upload is refused."""

    EMPTY = "EMPTY"
    TOO_LARGE = "TOO_LARGE"
    """More bytes than ``limit``."""
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    """The content is of no type that Kierto knows."""
    HEIC = "HEIC"
    """A photo in Apple's format, which browsers do not show: its phone can save it as JPEG."""
    TYPE_NOT_ACCEPTED = "TYPE_NOT_ACCEPTED"
    """A ``type`` that can't be uploaded here."""
    BROKEN = "BROKEN"
    """The content breaks off, or it is not what its beginning says."""
    TOO_MANY_PIXELS = "TOO_MANY_PIXELS"
    """An image with more pixels than ``limit``."""
    TOO_COSTLY = "TOO_COSTLY"
    """An image that takes more memory or time than others of its size."""
    TOO_LONG = "TOO_LONG"
    """A name with more characters than ``longest``."""
    REQUIRED = "REQUIRED"
    """A name that is empty."""
    CHARACTERS = "CHARACTERS"
    """A name with a separator of folders, or with a character that is not shown."""


class InvalidUpload(Exception):
    """An upload is refused; nothing of it is kept."""

    def __init__(self, problem: UploadProblem, *, field: str = "file", **params: str) -> None:
        super().__init__(f"{field}: {problem.value}")
        self.problem = problem
        self.field = field
        """``file`` or ``name``."""
        self.params = params


def checked_name(name: str) -> str:
    """Return a file's name in normal form C; raise InvalidUpload if it is empty, too long or not a name."""
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidUpload(UploadProblem.TOO_LONG, field="name", longest=str(MAX_NAME_LENGTH))
    name = unicodedata.normalize("NFC", name.strip())
    if not name:
        raise InvalidUpload(UploadProblem.REQUIRED, field="name")
    if not name.isprintable() or any(separator in name for separator in _SEPARATORS):
        raise InvalidUpload(UploadProblem.CHARACTERS, field="name")
    return name
