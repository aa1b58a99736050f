"""PDF: tagged, with the operator's letterhead, from values that are shown as they are; the child process has limits."""

import asyncio
import datetime as dt
import re
import tempfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from services.chassis.pdf import compiler
from services.chassis.pdf.renderer import DEFAULT_LIMITS, PdfError, PdfFailure, render_pdf
from services.chassis.runtime.child_process import ChildLimits
from services.chassis.runtime.settings import Letterhead
from services.chassis.texts.formats import format_date, format_money
from services.contracts.identity.people import Language
from tests.support.polling import until

LETTER = Path(__file__).parent / "letter.typ"
LETTERHEAD = Letterhead(name="Lännen Kierto Oy", address=["Satamatie 12", "20100 Turku"])
CREATED = dt.datetime(2026, 3, 4, 7, 5, tzinfo=dt.UTC)
FOREVER = "#for i in range(1000000) { for j in range(1000000) { if i * j < 0 [x] } }"
HOSTILE = [
    '#panic("x")',
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.2.0"',
    "#let data = 1; *x* _y_ $z$ <label> @label \\ ]",
    '"); #panic(); ("',
    "// x /* y",
]


def values(language: Language = Language.FI, text: str = "Kiitos yhteydenotosta.") -> dict[str, object]:
    return {
        "recipient": ["As Oy Ekokaari", "Kaarikatu 5"],
        "day": format_date(CREATED.date(), language),
        "paragraphs": [text],
        "columns": [text, "2", "3"],
        "rows": [["Biojäte 240 l", "2", format_money(123_450, "EUR", language)]],
        "closing": text,
    }


async def render(
    template: Path = LETTER,
    data: dict[str, object] | None = None,
    *,
    title: str = "Tyhjennyspäivä siirtyy",
    language: Language = Language.FI,
    letterhead: Letterhead = LETTERHEAD,
    limits: ChildLimits = DEFAULT_LIMITS,
) -> bytes:
    return await render_pdf(
        template,
        values() if data is None else data,
        title=title,
        language=language,
        letterhead=letterhead,
        created=CREATED,
        limits=limits,
    )


def unpacked(document: bytes) -> bytes:
    """Return a PDF with its compressed streams unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    return document + b"\n".join(_inflated(stream) for stream in streams)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def characters_shown(document: bytes) -> str:
    """Return the characters that the fonts of a PDF map their glyphs to."""
    mapped = re.findall(rb"<[0-9a-fA-F]{4}> <([0-9a-fA-F]+)>", unpacked(document))
    return "".join(bytes.fromhex(code.decode()).decode("utf-16-be") for code in mapped)


async def compilers() -> list[psutil.Process]:
    """Return the child processes that compile."""
    return [child for child in psutil.Process().children() if compiler.__file__ in child.cmdline()]


@pytest.mark.parametrize("language", Language)
async def test_a_document_is_tagged_in_its_language_with_embedded_fonts(language: Language) -> None:
    document = unpacked(await render(data=values(language), language=language))
    assert document.startswith(b"%PDF-1.7")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in document
    assert b"/StructTreeRoot" in document and b"/S/H1" in document and b"/S/TH" in document
    assert f"/Lang({language.value})".encode() in document
    fonts = set(re.findall(rb"/BaseFont/[A-Z]{6}\+(\w+)", document))
    assert fonts == {b"LibertinusSerif"}
    assert b"/FontFile3" in document


async def test_equal_values_give_equal_documents() -> None:
    assert await render() == await render()


async def test_the_letterhead_shows_a_logo(tmp_path: Path) -> None:
    logo = tmp_path / "operator.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4"/></svg>', encoding="utf-8")
    document = unpacked(await render(letterhead=Letterhead(name="Kierto Oy", address=[], logo=str(logo))))
    assert b"/S/Figure" in document and b"/Alt(Kierto Oy)" in document


@pytest.mark.parametrize("text", HOSTILE)
async def test_values_are_shown_and_never_read_as_markup(text: str) -> None:
    letterhead = Letterhead(name=text, address=[text])
    document = await render(data=values(text=text), title=text, letterhead=letterhead)
    assert set(text) - {" "} <= set(characters_shown(document))


async def test_a_character_that_no_font_has_costs_no_document() -> None:
    document = unpacked(await render(data=values(text="Kiitos 😀")))
    assert b"pdfuaid" not in document
    assert b"/StructTreeRoot" in document


@pytest.mark.parametrize(
    ("template", "failure"),
    [
        ("#data", PdfFailure.TEMPLATE),
        ('#import "letterhead.typ": data, letter\n#show: letter\n#data.nothing', PdfFailure.TEMPLATE),
        ('#read("/etc/passwd")', PdfFailure.TEMPLATE),
        ('#read("../../etc/passwd")', PdfFailure.TEMPLATE),
        ('#import "@preview/cetz:0.2.0"', PdfFailure.TEMPLATE),
        ("#let f(n) = f(n + 1)\n#f(1)", PdfFailure.TEMPLATE),
        ("#let a = (0,) * 10\n#for i in range(40) { a = a + a }", PdfFailure.MEMORY),
    ],
)
async def test_a_wrong_template_is_a_typed_error(tmp_path: Path, template: str, failure: PdfFailure) -> None:
    path = tmp_path / "wrong.typ"
    path.write_text(template, encoding="utf-8")
    with pytest.raises(PdfError) as caught:
        await render(path, limits=msgspec.structs.replace(DEFAULT_LIMITS, memory_bytes=200_000_000))
    assert caught.value.failure is failure, caught.value.diagnostic
    assert str(caught.value) == failure.value, "the text of the error quotes no value"
    if failure is PdfFailure.TEMPLATE:
        assert caught.value.diagnostic.startswith("error: ")


@pytest.mark.parametrize("limits", [{"cpu_s": 1}, {"timeout_s": 0.5}], ids=["cpu", "wall clock"])
async def test_a_template_that_never_ends_is_ended(tmp_path: Path, limits: dict[str, Any]) -> None:
    path = tmp_path / "endless.typ"
    path.write_text(FOREVER, encoding="utf-8")
    with pytest.raises(PdfError) as caught:
        await render(path, limits=msgspec.structs.replace(DEFAULT_LIMITS, **limits))
    assert caught.value.failure is PdfFailure.TIME
    assert await compilers() == []


async def test_a_cancelled_rendering_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "endless.typ"
    path.write_text(FOREVER, encoding="utf-8")
    running = asyncio.ensure_future(render(path))
    await until(compilers)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await compilers() == []
    assert list(tmp_path.iterdir()) == [path]
