"""Who takes part: how each is built or installed, and started. All listen where the gateway's settings say."""

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.contest.native_programs import SCRATCH, Missing
from tests.benchmarks.contest.pages import Page
from tests.support.made import made
from tests.support.node import INSTALL, NODE

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
        folder = made(_SOURCES / "node", SCRATCH / "node", files="package.json", by=INSTALL)
        return NODE, str(folder / f"{name}.js")

    return prepare


def _rust() -> Sequence[str]:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise Missing("cargo (Rust)")
    folder = made(_SOURCES / "rust", SCRATCH / "rust", files="**/*", by=(cargo, "build", "--release", "--quiet"))
    return (str(folder / "target" / "release" / "contest"),)


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
