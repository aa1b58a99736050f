"""The example clients (``docs/clients``), copied to a folder of a test with their generated code."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.local.paths import DEFAULT_HOME
from tests.support.build_cache import build_once
from tests.support.servers import ROOT

CLIENTS = Path("docs/clients")
_UV = Path(sys.executable).parent / "uv"
_INSTALL_PYTHON = f"""
    "{_UV}" venv --quiet --clear --python "{sys.executable}" .venv
    "{_UV}" pip install --quiet --python .venv/bin/python --only-binary :all: --require-hashes -r requirements.lock
"""


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Run a program in a folder; return its output, empty after a success."""
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=180)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def make_typescript_client(root: Path) -> tuple[Path, str]:
    """Return the folder of the TypeScript client, and the path of Node; skip the test without Node."""
    node: Any = pytest.importorskip("tests.support.node", reason="NOT TESTED: Node is not installed (extra `local`)")
    built = build_once(
        ROOT / CLIENTS / "typescript", DEFAULT_HOME / "typescript", files="package*.json", by=node.INSTALL_LOCKED
    )
    client = _copy("typescript", root)
    (client / "node_modules").symlink_to(built / "node_modules")
    codegen = Path("node_modules/@graphql-codegen/cli/cjs/bin.js")
    assert run([node.NODE, codegen, "--config", "codegen.ts"], client) == ""
    return client, node.NODE


def make_python_client(root: Path) -> tuple[Path, Path]:
    """Return the folder of the Python client, and that of the programs of its environment."""
    built = build_once(
        ROOT / CLIENTS / "python",
        DEFAULT_HOME / "python-client",
        files="requirements.lock",
        by=("sh", "-ec", _INSTALL_PYTHON),
    )
    client, programs = _copy("python", root), built / ".venv" / "bin"
    assert run(["env", "PYTHONPATH=.", programs / "ariadne-codegen"], client) == ""
    return client, programs


def _copy(name: str, root: Path) -> Path:
    """Copy the schema, the examples and a client to the same places below a folder, and return that of the client."""
    examples = root / "gateway" / "examples"
    examples.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "gateway" / "schema.graphql", root / "gateway")
    for example in (ROOT / "gateway" / "examples").glob("*.graphql"):
        shutil.copy(example, examples)
    shutil.copytree(ROOT / CLIENTS / name, root / CLIENTS / name, ignore=shutil.ignore_patterns("node_modules"))
    return root / CLIENTS / name
