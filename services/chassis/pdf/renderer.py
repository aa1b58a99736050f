"""``render_pdf``: a tagged PDF from a Typst template, a letterhead and values.

The compiler runs in a child process, in a folder of its own that has the template, the values, the letterhead and the
logo, with limits of memory and time. It shows the fonts of its wheel alone, and can't reach the network.
"""

import asyncio
import datetime as dt
import enum
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from services.chassis.pdf import compiler
from services.chassis.runtime.settings import Letterhead
from services.contracts.identity import Language

_LETTERHEAD = Path(__file__).parent / "letterhead.typ"
_ENVIRONMENT = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""A proxy that does not exist: the compiler would download packages that a template imports."""
_MAX_DIAGNOSTIC_LENGTH = 4000


class PdfLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that the rendering of a document may take."""

    memory_bytes: int = 400_000_000
    """Address space; a letter takes 40 MB."""
    cpu_s: int = 10
    timeout_s: float = 30.0
    """Seconds from its start to its end, on a busy machine."""


DEFAULT_LIMITS = PdfLimits()


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
    limits: PdfLimits = DEFAULT_LIMITS,
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


async def _compile(folder: Path, created: dt.datetime, limits: PdfLimits) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        compiler.__file__,
        folder,
        *map(str, (int(created.timestamp()), limits.memory_bytes, limits.cpu_s)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
    )
    try:
        async with asyncio.timeout(limits.timeout_s):
            _, errors = await process.communicate()
    except TimeoutError:
        raise PdfError(PdfFailure.TIME) from None
    finally:
        # Also when the caller is cancelled: the child must not outlive its folder.
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise PdfError(_failure(process.returncode), errors[:_MAX_DIAGNOSTIC_LENGTH].decode(errors="replace"))


def _failure(code: int) -> PdfFailure:
    match code:
        case compiler.TEMPLATE_ERROR:
            return PdfFailure.TEMPLATE
        case _ if -code in (signal.SIGXCPU, signal.SIGKILL):
            return PdfFailure.TIME
        case _ if -code in (signal.SIGABRT, signal.SIGSEGV):  # an allocation failed
            return PdfFailure.MEMORY
        case _:
            return PdfFailure.CRASH
