"""The build of the page: without a registry, its cache, and concurrent builds."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.playground.output import SOURCES
from tests.support.servers import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with the playground only."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "gateway").mkdir()
    shutil.copy(ROOT / "gateway" / "__init__.py", folder / "gateway")
    shutil.copytree(SOURCES, folder / "gateway" / "playground", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        env={**os.environ, "PYTHONPATH": str(clone), **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def folder_of(clone: Path) -> str:
    code = "from gateway.playground.output import output_folder; print(output_folder())"
    return run(clone, "-c", code).stdout.strip()


def test_without_a_registry_it_fails_with_one_line(clone: Path, tmp_path: Path) -> None:
    nowhere = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_cache": str(tmp_path / "cache")}
    done = run(clone, "-m", "gateway.playground.build", npm_config_fetch_retries="0", **nowhere)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "npm could not fetch its packages (ECONNREFUSED)" in line
    left = {path.name for path in (clone / ".kierto" / "playground").iterdir()}
    assert left == {"build.lock", "build.log"}


def test_each_state_of_the_sources_has_a_folder(clone: Path) -> None:
    before = folder_of(clone)
    assert before.startswith(f"{clone}/.kierto/playground/")
    assert folder_of(clone) == before
    (clone / "gateway" / "playground" / "build.py").write_text("# not what is bundled")
    assert folder_of(clone) == before
    for name in ("package-lock.json", "page/main.tsx"):
        with (clone / "gateway" / "playground" / name).open("a", encoding="utf-8") as source:
            source.write("\n")
        after = folder_of(clone)
        assert after != before
        before = after


def test_a_built_page_is_not_built_again(clone: Path) -> None:
    built = Path(folder_of(clone))
    built.mkdir(parents=True)
    done = run(clone, "-m", "gateway.playground.build", PATH="", npm_config_registry="http://127.0.0.1:9")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(built.iterdir()) == []


def test_of_two_at_once_the_second_waits_for_the_first(clone: Path) -> None:
    built = Path(folder_of(clone))
    built.parent.mkdir(parents=True)
    with (built.parent / "build.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        command = [sys.executable, "-P", "-m", "gateway.playground.build"]
        second = subprocess.Popen(command, env={"PYTHONPATH": str(clone), "npm_config_registry": "http://127.0.0.1:9"})
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(2)
        built.mkdir()
    assert second.wait(20) == 0
    assert list(built.iterdir()) == []


def test_the_lock_file_names_no_registry() -> None:
    lock = (SOURCES / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 90
