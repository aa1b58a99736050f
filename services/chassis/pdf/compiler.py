"""The child process that compiles a folder's ``template.typ`` to ``document.pdf``, within limits that it sets itself.

It is started as a program and imports nothing of Kierto. Its exit code is 0, ``TEMPLATE_ERROR`` with the compiler's
diagnostic on standard error, or that of a signal.
"""

import resource
import sys
from pathlib import Path

TEMPLATE_ERROR = 3
MAX_DOCUMENT_BYTES = 50_000_000
_MISSING_GLYPH = "could not be displayed with font"


def main(folder: Path, created: int, memory: int, cpu_s: int) -> int:
    """Compile the template; ``created`` is the document's date in seconds since 1970."""
    if sys.platform == "linux":  # macOS refuses it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_DOCUMENT_BYTES, MAX_DOCUMENT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import typst  # takes its memory within the limit

    compiler = typst.Compiler(
        folder / "template.typ",
        root=folder,
        ignore_system_fonts=True,
        package_path=folder / "packages",
        package_cache_path=folder / "packages",
    )
    document = folder / "document.pdf"
    try:
        try:
            compiler.compile(output=document, format="pdf", pdf_standards=["ua-1"], timestamp=created)
        except typst.TypstError as error:
            if _MISSING_GLYPH not in error.message:
                raise
            # PDF/UA forbids a character that no font has. Such a document is tagged all the same, but not declared as
            # PDF/UA.
            compiler.compile(output=document, format="pdf", timestamp=created)
    except typst.TypstError as error:
        sys.stderr.write(error.diagnostic)
        return TEMPLATE_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
