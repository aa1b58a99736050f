"""`@graphql-eslint` 4.4.1 has no complaint about the schema and the examples, and finds a fault."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local.paths import DEFAULT_HOME
from tests.support.build_cache import build_once
from tests.support.node import INSTALL_LOCKED, NODE
from tests.support.servers import ROOT

_PATHS = ("gateway/schema.graphql", "gateway/examples")


@pytest.fixture(scope="module")
def suite() -> Path:
    """The folder with the installed linter."""
    return build_once(Path(__file__).parent / "suite", DEFAULT_HOME / "lint", files="package*.json", by=INSTALL_LOCKED)


def lint(suite: Path, root: Path) -> str:
    """Return the linter's report on the schema and the examples below a folder; empty if it has no complaint."""
    eslint = str(suite / "node_modules" / "eslint" / "bin" / "eslint.js")
    command = [NODE, eslint, "--config", str(suite / "eslint.config.mjs"), "--max-warnings", "0", *_PATHS]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_the_schema_and_the_examples_are_clean(suite: Path) -> None:
    assert lint(suite, ROOT) == ""


def test_faults_are_found(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    schema = (ROOT / _PATHS[0]).read_text(encoding="utf-8")
    (tmp_path / _PATHS[0]).write_text(schema + "type lost { x: ID }\n")
    shutil.copytree(ROOT / _PATHS[1], tmp_path / _PATHS[1], ignore=shutil.ignore_patterns("*.py", "*.md"))
    (tmp_path / _PATHS[1] / "fault.graphql").write_text("query Fault($unused: ID) { me { id } }\n")
    found = set(re.findall(r"@graphql-eslint/([a-z-]+)", lint(suite, tmp_path)))
    assert {"require-description", "naming-convention", "no-unreachable-types", "no-unused-variables"} <= found
