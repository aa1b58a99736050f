"""The media type of a file, judged by its content and never by its name."""

import codecs
import enum
import re

from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem

HEAD_BYTES = 1024
"""The bytes of the beginning that decide."""
_PDF_END_BYTES = 1024
"""The end in which a PDF has its last marker, as readers expect it: what follows it is no part of the document."""
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


class MediaType(enum.Enum):
    """A type of content that can be uploaded."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    PDF = "application/pdf"
    CSV = "text/csv"
    TEXT = "text/plain"
    """Text in UTF-8, as CSV, too."""


IMAGES = frozenset({MediaType.PNG, MediaType.JPEG, MediaType.WEBP})


def media_type_of(head: bytes, *, any_text: bool = False) -> MediaType:
    """Return the type of a content by its first ``HEAD_BYTES``; raise InvalidUpload if there is none.

    With ``any_text`` whatever is nothing else is text.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return MediaType.WEBP
    if head.startswith(b"%PDF-"):
        return MediaType.PDF
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        raise InvalidUpload(UploadProblem.HEIC)
    if any_text:
        return MediaType.TEXT
    try:
        TextCheck().feed(head)
    except InvalidUpload:
        raise InvalidUpload(UploadProblem.UNKNOWN_TYPE) from None
    return MediaType.TEXT


class TextCheck:
    """The check that a content is text in UTF-8 from its beginning to its end."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Check the next bytes; raise InvalidUpload if they are no text."""
        try:
            text = self._decoder.decode(chunk, last)
        except UnicodeDecodeError:
            raise InvalidUpload(UploadProblem.BROKEN) from None
        if _CONTROL.search(text):
            raise InvalidUpload(UploadProblem.BROKEN)


class PdfCheck:
    """The check that a PDF has its end, and next to nothing after it."""

    def __init__(self) -> None:
        self._end = b""

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Note the next bytes; with the last ones raise InvalidUpload if the end is missing."""
        self._end = (self._end + chunk)[-_PDF_END_BYTES:]
        if last and b"%%EOF" not in self._end:
            raise InvalidUpload(UploadProblem.BROKEN)
