"""``render_pdf``: a tagged PDF from a Typst template, a letterhead and values.

The compiler runs in a child process, in a folder of its own that has the template, the values, the letterhead and the
logo, with limits of memory and time. It shows the fonts of its wheel alone, and can't reach the network.
"""

import asyncio
import datetime as dt
import enum
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.chassis.pdf import compiler
from services.chassis.runtime.child_process import ChildFailed, ChildLimits, run_child
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity.people import Language

_LETTERHEAD = Path(__file__).parent / "letterhead.typ"
_ENVIRONMENT = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""A proxy that does not exist: the compiler would download packages that a template imports."""
_MAX_DIAGNOSTIC_LENGTH = 4000

DEFAULT_LIMITS = ChildLimits(memory_bytes=400_000_000, cpu_s=10, timeout_s=30.0)
"""A letter takes 40 MB."""


class PdfFailure(enum.Enum):
    """Reason why a document was not rendered."""

    TEMPLATE = "TEMPLATE"
    """The template, or its use of the values, is wrong."""
    TIME = "TIME"
    MEMORY = "MEMORY"
    CRASH = "CRASH"


class PdfError(Exception):
    """A document was not rendered."""

    def __init__(self, failure: PdfFailure, diagnostic: str = "") -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.diagnostic = diagnostic
        """The compiler's words. They may quote values, which may be personal: they stay out of logs."""


async def render_pdf(
    template: Path,
    data: Mapping[str, object],
    *,
    title: str,
    language: Language,
    letterhead: Letterhead,
    created: dt.datetime,
    limits: ChildLimits = DEFAULT_LIMITS,
) -> bytes:
    """Return the document of a template as PDF/UA-1; raise PdfError.

    ``data`` is anything that JSON can hold, with texts, dates and amounts as they are to be read. Where a text has a
    character that no font has, the document is tagged and not declared as PDF/UA.
    """
    with tempfile.TemporaryDirectory(prefix="kierto-pdf-") as name:
        folder = Path(name)
        logo = f"logo{Path(letterhead.logo).suffix}" if letterhead.logo else ""
        values = {
            "title": title,
            "language": language.value,
            "letterhead": {**msgspec.structs.asdict(letterhead), "logo": logo},
            "data": data,
        }
        await asyncio.to_thread(_write_files, folder, template, msgspec.json.encode(values), letterhead.logo, logo)
        await _compile(folder, created, limits)
        return await asyncio.to_thread((folder / "document.pdf").read_bytes)


def _write_files(folder: Path, template: Path, values: bytes, logo: str, name: str) -> None:
    shutil.copyfile(template, folder / "template.typ")
    shutil.copyfile(_LETTERHEAD, folder / _LETTERHEAD.name)
    (folder / "values.json").write_bytes(values)
    if logo:
        shutil.copyfile(logo, folder / name)


async def _compile(folder: Path, created: dt.datetime, limits: ChildLimits) -> None:
    arguments = (str(folder), str(int(created.timestamp())))
    try:
        code, errors = await run_child(compiler.__file__, arguments, limits, _ENVIRONMENT)
    except ChildFailed as error:
        raise PdfError(PdfFailure(error.failure.value)) from None
    if code:
        failure = PdfFailure.TEMPLATE if code == compiler.TEMPLATE_ERROR else PdfFailure.CRASH
        raise PdfError(failure, errors[:_MAX_DIAGNOSTIC_LENGTH].decode(errors="replace"))
