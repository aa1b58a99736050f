"""Images: only their pixels are kept, and a hostile one ends a child process at most."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from services.chassis.files.image import LIMITS, MAX_PIXELS, encode_again
from services.chassis.files.invalid_upload import InvalidUpload, UploadProblem
from services.chassis.files.media_type import MediaType
from tests.unit.chassis.files.samples import SECRET, bomb, image

TRAILING = b"<script>alert(1)</script>%PDF-1.7 PK\x03\x04"
OF_EVERY_IMAGE = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "background", "loop"}
"""Properties that Pillow shows of an image without metadata."""


async def encoded(folder: Path, content: bytes, media_type: MediaType, **options: Any) -> bytes:
    source, target = folder / "received", folder / "encoded"
    source.write_bytes(content)
    await encode_again(source, target, media_type, **options)
    return target.read_bytes()


@pytest.mark.parametrize("media_type", [MediaType.JPEG, MediaType.PNG, MediaType.WEBP])
async def test_an_image_keeps_its_pixels_and_nothing_else(tmp_path: Path, media_type: MediaType) -> None:
    sent = image(media_type) + TRAILING
    assert SECRET in sent
    kept = await encoded(tmp_path, sent, media_type)
    assert SECRET not in kept and b"script" not in kept
    with Image.open(tmp_path / "encoded") as shown:
        assert shown.format == media_type.name
        assert shown.size == (20, 40), "it is turned as its metadata said"
        assert not shown.getexif() and set(shown.info) <= OF_EVERY_IMAGE
        red, green, _ = shown.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
        assert red > 240 and green < 15


@pytest.mark.parametrize(
    ("media_type", "mode", "kept"),
    [
        (MediaType.JPEG, "CMYK", "RGB"),
        (MediaType.JPEG, "L", "L"),
        (MediaType.PNG, "RGBA", "RGBA"),
        (MediaType.PNG, "P", "RGB"),
        (MediaType.PNG, "1", "L"),
    ],
)
async def test_an_image_of_any_mode_is_kept(tmp_path: Path, media_type: MediaType, mode: str, kept: str) -> None:
    await encoded(tmp_path, image(media_type, mode=mode), media_type)
    with Image.open(tmp_path / "encoded") as shown:
        assert shown.mode == kept


@pytest.mark.parametrize(
    ("content", "media_type", "problem"),
    [
        (bomb(), MediaType.PNG, UploadProblem.TOO_MANY_PIXELS),
        (bomb(5000, 5000), MediaType.PNG, UploadProblem.BROKEN),
        (image(MediaType.JPEG, size=(400, 400))[:-200], MediaType.JPEG, UploadProblem.BROKEN),
        (image(MediaType.PNG)[:60], MediaType.PNG, UploadProblem.BROKEN),
        (image(MediaType.WEBP)[:60], MediaType.WEBP, UploadProblem.BROKEN),
        (image(MediaType.PNG), MediaType.JPEG, UploadProblem.BROKEN),
        (b"\x89PNG\r\n\x1a\n" + TRAILING, MediaType.PNG, UploadProblem.BROKEN),
    ],
)
async def test_a_hostile_image_is_refused(
    tmp_path: Path, content: bytes, media_type: MediaType, problem: UploadProblem
) -> None:
    with pytest.raises(InvalidUpload) as caught:
        await encoded(tmp_path, content, media_type)
    assert caught.value.problem is problem
    assert not (tmp_path / "encoded").exists()
    if problem is UploadProblem.TOO_MANY_PIXELS:
        assert caught.value.params == {"limit": str(MAX_PIXELS)}


@pytest.mark.parametrize("limits", [{"memory_bytes": 250_000_000}, {"timeout_s": 0.01}], ids=["memory", "time"])
async def test_an_image_that_costs_too_much_is_refused(tmp_path: Path, limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidUpload) as caught:
        await encoded(
            tmp_path,
            image(MediaType.PNG, size=(6000, 6000)),
            MediaType.PNG,
            limits=msgspec.structs.replace(LIMITS, **limits),
        )
    assert caught.value.problem is UploadProblem.TOO_COSTLY
