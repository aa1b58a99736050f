"""Tests of the selection of contestants."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.contest import contestants, runner
from tests.benchmarks.contest.contestants import CONTESTANTS, OURS
from tests.benchmarks.contest.native_programs import MissingTool

HIVE_ROUTER = CONTESTANTS[-1]


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of `cargo`, the only program on PATH, for a test to write; the router would be installed beside it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(contestants, "SCRATCH", tmp_path)
    return tmp_path / "cargo"


def make(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_slow_build_takes_part_only_if_named() -> None:
    assert HIVE_ROUTER.name == "hive-router"
    assert runner.competing([]) == [contestant for contestant in CONTESTANTS if contestant is not HIVE_ROUTER]
    assert runner.competing(["hive-router"]) == [OURS, HIVE_ROUTER]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SystemExit, match="unknown"):
        runner.competing(["apollo", "unknown"])


@pytest.mark.parametrize(
    ("script", "lacking"), [(None, "cargo"), ("exit 101", "nightly toolchain")], ids=["cargo", "nightly"]
)
def test_without_its_compiler_the_router_is_left_out(cargo: Path, script: str | None, lacking: str) -> None:
    if script:
        make(cargo, script)
    with pytest.raises(MissingTool, match=lacking):
        HIVE_ROUTER.prepare()


def test_the_router_is_installed_with_an_existing_nightly_toolchain(cargo: Path) -> None:
    make(cargo, f'echo "$@" >> {cargo}.called; [ "$2" != --version ] || [ "$RUSTUP_AUTO_INSTALL" = 0 ]')
    command = HIVE_ROUTER.prepare()
    assert (command[0], command[-1]) == (sys.executable, str(cargo.parent / "hive-router" / "bin" / "hive_router"))
    version, install = Path(f"{cargo}.called").read_text().splitlines()
    assert version == "+nightly --version"
    assert install.startswith("+nightly install hive-router --version =0.3.10 --locked ")
