"""The folders of built pages: one for each state of the sources, so that an outdated page is never served."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent
OUTPUT_ROOT = SOURCES.parents[1] / ".kierto" / "playground"

_BUILD_FILES = (".npmrc", "package.json", "package-lock.json", "bundle.mjs")
"""The files of a build beside the folder ``page``."""


def source_files() -> Iterator[Path]:
    """Yield the files of a build, in a stable order."""
    yield from (SOURCES / name for name in _BUILD_FILES)
    yield from sorted(path for path in (SOURCES / "page").rglob("*") if path.is_file())


def output_folder() -> Path:
    """Return the folder of the page of these sources (``index.html``, ``assets``), which exists once it is built."""
    digest = hashlib.sha256()
    for path in source_files():
        digest.update(f"{path.relative_to(SOURCES)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return OUTPUT_ROOT / digest.hexdigest()[:16]


def is_built() -> bool:
    """Whether the page of these sources is built."""
    return output_folder().is_dir()
