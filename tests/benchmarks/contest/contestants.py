"""Who takes part: how each is built or installed, and started. All listen where the gateway's settings say."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.contest.native_programs import SCRATCH, Missing
from tests.benchmarks.contest.pages import Page

_SOURCES = Path(__file__).parent / "entries"


class Contestant(msgspec.Struct, frozen=True):
    """A server of the graph. ``prepare`` builds or installs it and answers the command that starts it, or is Missing.

    ``path`` is where a page is posted to; ``ready``, if it has one, answers 200 once the server is up.
    """

    name: str
    prepare: Callable[[], Sequence[str]]
    path: Callable[[Page], str] = lambda _: "/graphql"
    ready: str = ""


def _python(module: str) -> Callable[[], Sequence[str]]:
    return lambda: (sys.executable, "-P", "-m", module)


def _node(name: str) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        node, npm = _program("node", "Node.js"), _program("npm", "npm")
        install = (npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")
        folder = _made("node", "package.json", by=install)
        return node, str(folder / f"{name}.js")

    return prepare


def _rust() -> Sequence[str]:
    build = (_program("cargo", "cargo (Rust)"), "build", "--release", "--quiet")
    return (str(_made("rust", "**/*", by=build) / "target" / "release" / "contest"),)


def _program(name: str, called: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(called)
    return found


def _made(entry: str, files: str, *, by: Sequence[str]) -> Path:
    """The folder where a contestant's sources were copied, and what belongs to them was made by a command.

    The command runs again only if one of the files (a pattern) is another than the last time.
    """
    folder = SCRATCH / entry
    shutil.copytree(_SOURCES / entry, folder, dirs_exist_ok=True)
    digest = hashlib.sha256()
    for file in sorted(one for one in (_SOURCES / entry).glob(files) if one.is_file()):
        digest.update(file.read_bytes())
    stamp = folder / ".made"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        subprocess.run(by, cwd=folder, check=True)
        stamp.write_text(digest.hexdigest())
    return folder


CONTESTANTS = (
    Contestant("kierto", _python("gateway"), ready="/readyz"),
    Contestant(
        "hand-written",
        _python("tests.benchmarks.contest.entries.hand_written"),
        path=lambda page: f"/{page.operation}",
    ),
    Contestant("strawberry", _python("tests.benchmarks.contest.entries.strawberry_own")),
    Contestant("apollo", _node("apollo"), path=lambda _: "/"),
    Contestant("mercurius", _node("mercurius")),
    Contestant("mercurius-loaders", _node("mercurius_loaders")),
    Contestant("async-graphql", _rust),
)
OURS = CONTESTANTS[0]
