"""The program of the child process that decodes an image and encodes its pixels again, without anything else of it.

``image_encoder.py SOURCE TARGET FORMAT MAX_PIXELS``. It imports nothing of Kierto. Its exit code is 0, ``BROKEN`` or
``TOO_MANY_PIXELS``; a MemoryError is left to its limits.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

BROKEN = 3
TOO_MANY_PIXELS = 4
_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 88}, "WEBP": {"quality": 88}, "PNG": {}}


class _TooManyPixels(Exception):
    """The image's header promises more pixels than are accepted."""


def main(source: str, target: str, format: str, max_pixels: int) -> int:
    """Encode the first frame, turned as its metadata says, in the same format."""
    try:
        image = _pixels(source, format, max_pixels)
    except MemoryError:
        raise
    except _TooManyPixels:
        return TOO_MANY_PIXELS
    except Exception:  # a decoder's errors on a hostile image are of any class
        return BROKEN
    image.save(target, format=format, **_OPTIONS[format])
    return 0


def _pixels(source: str, format: str, max_pixels: int) -> "Image.Image":
    from PIL import Image, ImageOps  # late, since the parent imports this module for its constants

    Image.MAX_IMAGE_PIXELS = None  # the size is compared here, before a pixel is decoded
    image: Image.Image = Image.open(source, formats=[format])
    if image.width * image.height > max_pixels:
        raise _TooManyPixels
    image.load()
    image = ImageOps.exif_transpose(image)
    mode = "RGBA" if image.has_transparency_data and format != "JPEG" else "L" if image.mode in ("1", "L") else "RGB"
    image = image.convert(mode)
    image.info.clear()  # comments, EXIF, XMP, colour profile: what the encoders would copy
    return image


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
