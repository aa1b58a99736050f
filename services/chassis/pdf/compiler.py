"""The program of the child process that compiles a folder's ``template.typ`` to ``document.pdf``.

It imports nothing of Kierto. Its exit code is 0, or ``TEMPLATE_ERROR`` with the compiler's diagnostic on standard
error.
"""

import sys
from pathlib import Path

TEMPLATE_ERROR = 3
_MISSING_GLYPH = "could not be displayed with font"


def main(folder: Path, created: int) -> int:
    """Compile the template; ``created`` is the document's date in seconds since 1970."""
    import typst  # late, since the parent imports this module for its constants

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
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
