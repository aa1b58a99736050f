"""Images that people send: decoded and encoded again in a child process, so that only their pixels are kept."""

import tempfile
from pathlib import Path

from services.chassis.files import image_encoder
from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem
from services.chassis.files.media_type import MediaType
from services.chassis.runtime.child_process import ChildFailed, ChildLimits, run_child

MAX_PIXELS = 50_000_000
"""A phone's photo has 12 to 50 million."""
LIMITS = ChildLimits(memory_bytes=1_200_000_000, cpu_s=40, timeout_s=90.0, file_bytes=200_000_000)
"""Three copies of the pixels in four bytes each, and the time of the slowest encoder on a busy machine."""


async def encode_again(
    source: Path, target: Path, media_type: MediaType, *, limits: ChildLimits = LIMITS, max_pixels: int = MAX_PIXELS
) -> None:
    """Write an image's pixels to ``target``, without its metadata; raise InvalidUpload."""
    arguments = (str(source), str(target), media_type.name, str(max_pixels))
    environment = {"TMPDIR": tempfile.gettempdir()}
    try:
        code, _ = await run_child(image_encoder.__file__, arguments, limits, environment)
    except ChildFailed:
        raise InvalidUpload(UploadProblem.TOO_COSTLY) from None
    match code:
        case 0:
            return
        case image_encoder.TOO_MANY_PIXELS:
            raise InvalidUpload(UploadProblem.TOO_MANY_PIXELS, limit=str(max_pixels))
        case image_encoder.BROKEN:
            raise InvalidUpload(UploadProblem.BROKEN)
        case _:
            raise RuntimeError(f"the image encoder ended with {code}")
