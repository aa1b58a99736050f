"""Contents of files: images made by Pillow, a PDF, texts, and hostile ones."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

from services.chassis.files.media_type import MediaType

GPS = 0x8825
ORIENTATION = 0x0112
SECRET = b"Koivukatu 1"
"""Metadata that no image keeps."""


def image(media_type: MediaType = MediaType.PNG, size: tuple[int, int] = (40, 20), mode: str = "RGB") -> bytes:
    """Return an image with metadata in EXIF and, where there are some, in comments and text chunks."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[ORIENTATION] = 6
    options: dict[str, Any] = {"exif": exif.tobytes()}
    if media_type is MediaType.JPEG:
        options["comment"] = SECRET
    if media_type is MediaType.WEBP:
        options["xmp"] = SECRET
    target = io.BytesIO()
    made = Image.new(mode, size, "red" if mode != "P" else 1)
    made.save(target, format=media_type.name, **options)
    return target.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a PNG of a few bytes whose header promises this many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")


def pdf(filler: bytes = b"", after: bytes = b"") -> bytes:
    """Return the outline of a PDF, with bytes in its middle and after its end."""
    return b"%PDF-1.7\n" + filler + b"\ntrailer\n%%EOF\n" + after


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
