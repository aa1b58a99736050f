"""Who takes part in the contest, and who is left out."""

import sys
from pathlib import Path

import pytest

from tests.benchmarks.contest import contestants, runner
from tests.benchmarks.contest.contestants import CONTESTANTS, OURS
from tests.benchmarks.contest.native_programs import MissingTool

HIVE_ROUTER = CONTESTANTS[-1]


@pytest.fixture
def cargo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only program on the path, and where the router would be installed; it is to be written."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(contestants, "SCRATCH", tmp_path)
    return tmp_path / "cargo"


def make(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_who_takes_long_to_build_takes_part_only_if_named() -> None:
    assert HIVE_ROUTER.name == "hive-router"
    assert runner.competing([]) == [one for one in CONTESTANTS if one is not HIVE_ROUTER]
    assert runner.competing(["hive-router"]) == [OURS, HIVE_ROUTER]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(SystemExit, match="nobody"):
        runner.competing(["apollo", "nobody"])


@pytest.mark.parametrize(
    ("script", "lacking"), [(None, "cargo"), ("exit 101", "nightly toolchain")], ids=["cargo", "nightly"]
)
def test_without_its_compiler_the_router_is_left_out(cargo: Path, script: str | None, lacking: str) -> None:
    if script:
        make(cargo, script)
    with pytest.raises(MissingTool, match=lacking):
        HIVE_ROUTER.prepare()


def test_the_router_is_installed_by_a_nightly_toolchain_that_is_there(cargo: Path) -> None:
    make(cargo, f'echo "$@" >> {cargo}.called; [ "$2" != --version ] || [ "$RUSTUP_AUTO_INSTALL" = 0 ]')
    command = HIVE_ROUTER.prepare()
    assert (command[0], command[-1]) == (sys.executable, str(cargo.parent / "hive-router" / "bin" / "hive_router"))
    version, install = Path(f"{cargo}.called").read_text().splitlines()
    assert version == "+nightly --version"
    assert install.startswith("+nightly install hive-router --version =0.3.10 --locked ")
