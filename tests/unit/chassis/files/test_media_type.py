"""The type of a file is judged by its content, and a name is one line without folders."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.files.invalid_upload import MAX_NAME_LENGTH, InvalidUpload, UploadProblem, checked_name
from services.chassis.files.media_type import IMAGES, MediaType, PdfCheck, TextCheck, media_type_of
from tests.unit.chassis.files.samples import image, pdf

HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        *((image(one), one) for one in sorted(IMAGES, key=lambda one: one.name)),
        (pdf(), MediaType.PDF),
        ("site_number;street\n1;Äyritie 2\n".encode(), MediaType.TEXT),
        (b"\xef\xbb\xbfsite_number\r\n\t1\r\n", MediaType.TEXT),
        ("ä".encode()[:1], MediaType.TEXT),
        (b"<script>alert(1)</script>", MediaType.TEXT),
    ],
)
def test_a_type_is_judged_by_the_content(content: bytes, media_type: MediaType) -> None:
    assert media_type_of(content) is media_type


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (HEIC, UploadProblem.HEIC),
        (b"GIF89a\x01\x00", UploadProblem.UNKNOWN_TYPE),
        (b"PK\x03\x04\x14\x00", UploadProblem.UNKNOWN_TYPE),
        (b"\x7fELF\x02\x01", UploadProblem.UNKNOWN_TYPE),
        (b"\x00%PDF-1.7", UploadProblem.UNKNOWN_TYPE),
        ("ä".encode("latin-1") + b"bc", UploadProblem.UNKNOWN_TYPE),
        ("text".encode("utf-16"), UploadProblem.UNKNOWN_TYPE),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", UploadProblem.UNKNOWN_TYPE),
    ],
)
def test_other_types_are_refused(content: bytes, problem: UploadProblem) -> None:
    with pytest.raises(InvalidUpload) as caught:
        media_type_of(content)
    assert (caught.value.problem, caught.value.field) == (problem, "file")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(1, 5))
def test_a_text_is_text_however_it_is_cut(text: str, step: int) -> None:
    content, check = text.encode(), TextCheck()
    for start in range(0, len(content), step):
        check.feed(content[start : start + step])
    check.feed(b"", last=True)


@pytest.mark.parametrize("chunks", [[b"abc\xc3"], [b"abc", b"\x00"], [b"abc", b"\xff"]])
def test_a_text_that_breaks_off_or_turns_into_something_else_is_refused(chunks: list[bytes]) -> None:
    check = TextCheck()
    with pytest.raises(InvalidUpload) as caught:
        for chunk in [*chunks, b""]:
            check.feed(chunk, last=not chunk)
    assert caught.value.problem is UploadProblem.BROKEN


def test_a_pdf_ends_with_its_marker() -> None:
    whole = pdf(filler=bytes(5000))
    check = PdfCheck()
    for byte in whole:
        check.feed(bytes([byte]))
    check.feed(b"", last=True)
    for broken in (whole[:-10], pdf(after=bytes(2000))):
        check = PdfCheck()
        check.feed(broken)
        with pytest.raises(InvalidUpload):
            check.feed(b"", last=True)


def test_a_name_is_kept_in_normal_form() -> None:
    assert checked_name("  Kuva a\u0308iti (1).jpg ") == "Kuva äiti (1).jpg"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", UploadProblem.REQUIRED),
        ("  ", UploadProblem.REQUIRED),
        ("x" * (MAX_NAME_LENGTH + 1), UploadProblem.TOO_LONG),
        ("../../etc/passwd", UploadProblem.CHARACTERS),
        ("C:\\kuva.jpg", UploadProblem.CHARACTERS),
        ("kuva\r\nSet-Cookie: a.jpg", UploadProblem.CHARACTERS),
        ("kuva\u202egpj.exe", UploadProblem.CHARACTERS),
        ("kuva\x00.jpg", UploadProblem.CHARACTERS),
    ],
)
def test_a_name_that_is_none_is_refused(name: str, problem: UploadProblem) -> None:
    with pytest.raises(InvalidUpload) as caught:
        checked_name(name)
    assert (caught.value.problem, caught.value.field) == (problem, "name")
