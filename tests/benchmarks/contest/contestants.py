"""Contestants: their build or installation, and their commands. All listen at the address in the gateway's settings."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.contest.native_programs import SCRATCH, MissingTool
from tests.benchmarks.contest.pages import Page
from tests.support.build_cache import build_once
from tests.support.node import INSTALL, NODE

_SOURCES = Path(__file__).parent / "entries"


class Contestant(msgspec.Struct, frozen=True):
    """A server of the graph."""

    name: str
    prepare: Callable[[], Sequence[str]]
    """Build or install it and return its command; raises MissingTool."""
    path: Callable[[Page], str] = lambda _: "/graphql"
    """Path that a page is posted to."""
    ready: str = ""
    """Path, if there is one, that responds 200 once the server is up."""
    only_if_named: bool = False
    """Whether it takes part only if named, because its build takes long."""


def _python(module: str) -> Callable[[], Sequence[str]]:
    return lambda: (sys.executable, "-P", "-m", module)


def _node(name: str) -> Callable[[], Sequence[str]]:
    def prepare() -> Sequence[str]:
        folder = build_once(_SOURCES / "node", SCRATCH / "node", files="package.json", by=INSTALL)
        return NODE, str(folder / f"{name}.js")

    return prepare


def _cargo() -> str:
    cargo = shutil.which("cargo")
    if cargo is None:
        raise MissingTool("cargo (Rust)")
    return cargo


def _rust() -> Sequence[str]:
    build = (_cargo(), "build", "--release", "--quiet")
    folder = build_once(_SOURCES / "rust", SCRATCH / "rust", files="**/*", by=build)
    return (str(folder / "target" / "release" / "contest"),)


def _hive_router() -> Sequence[str]:
    nightly = (_cargo(), "+nightly")
    no_download = os.environ | {"RUSTUP_AUTO_INSTALL": "0"}  # else rustup would install a missing toolchain
    if subprocess.run((*nightly, "--version"), env=no_download, check=False, capture_output=True).returncode:
        raise MissingTool("Rust's nightly toolchain")
    root = SCRATCH / "hive-router"
    # Cargo skips an installed crate. Without the feature the build needs npm, for a web page.
    crate = ("hive-router", "--version", "=0.3.10", "--locked", "--features", "graphiql", "--bin", "hive_router")
    subprocess.run((*nightly, "install", *crate, "--root", root, "--quiet"), check=True)
    return *_python("tests.benchmarks.contest.entries.hive_router")(), str(root / "bin" / "hive_router")


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
    Contestant("hive-router", _hive_router, only_if_named=True),
)
OURS = CONTESTANTS[0]
