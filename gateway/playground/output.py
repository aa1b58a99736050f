"""Where the built page lies: a folder for each state of its sources, so that no other state is ever shown."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parent
OUTPUT_ROOT = SOURCES.parents[1] / ".kierto" / "playground"

_BUILD_FILES = (".npmrc", "package.json", "package-lock.json", "bundle.mjs")
"""What a build takes beside the folder ``page``."""


def source_files() -> Iterator[Path]:
    """The files that a build takes, in one order."""
    yield from (SOURCES / name for name in _BUILD_FILES)
    yield from sorted(path for path in (SOURCES / "page").rglob("*") if path.is_file())


def output_folder() -> Path:
    """The folder of the page that these sources make, with ``index.html`` and ``assets``; is there once it is built."""
    found = hashlib.sha256()
    for path in source_files():
        found.update(f"{path.relative_to(SOURCES)}\n".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return OUTPUT_ROOT / found.hexdigest()[:16]


def is_built() -> bool:
    """Whether the page of these sources is there."""
    return output_folder().is_dir()
