"""The example clients are generated from the schema and the examples, and compile in the strictest mode."""

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


def copy_client(name: str, root: Path) -> Path:
    """Copy the schema, the examples and a client to the same places below a folder, and return that of the client."""
    (root / "gateway" / "examples").mkdir(parents=True)
    shutil.copy(ROOT / "gateway" / "schema.graphql", root / "gateway")
    for example in (ROOT / "gateway" / "examples").glob("*.graphql"):
        shutil.copy(example, root / "gateway" / "examples")
    shutil.copytree(ROOT / CLIENTS / name, root / CLIENTS / name, ignore=shutil.ignore_patterns("node_modules"))
    return root / CLIENTS / name


@pytest.fixture
def typescript(tmp_path: Path) -> tuple[Path, str]:
    """The TypeScript client with its generated code, and the path of Node."""
    node: Any = pytest.importorskip("tests.support.node", reason="NOT TESTED: Node is not installed (extra `local`)")
    built = build_once(
        ROOT / CLIENTS / "typescript", DEFAULT_HOME / "typescript", files="package*.json", by=node.INSTALL_LOCKED
    )
    client = copy_client("typescript", tmp_path)
    (client / "node_modules").symlink_to(built / "node_modules")
    codegen = Path("node_modules/@graphql-codegen/cli/cjs/bin.js")
    assert run([node.NODE, codegen, "--config", "codegen.ts"], client) == ""
    return client, node.NODE


@pytest.fixture
def python(tmp_path: Path) -> tuple[Path, Path]:
    """The Python client with its generated code, and the programs of its environment."""
    built = build_once(
        ROOT / CLIENTS / "python",
        DEFAULT_HOME / "python-client",
        files="requirements.lock",
        by=("sh", "-ec", _INSTALL_PYTHON),
    )
    client, programs = copy_client("python", tmp_path), built / ".venv" / "bin"
    assert run(["env", "PYTHONPATH=.", programs / "ariadne-codegen"], client) == ""
    return client, programs


def test_the_typescript_client_compiles_and_its_types_find_a_fault(typescript: tuple[Path, str]) -> None:
    client, node = typescript
    compiler: list[str | Path] = [node, Path("node_modules/typescript/bin/tsc"), "--noEmit"]
    assert run(compiler, client) == ""
    states = client / "src" / "order-states.ts"
    states.write_text(states.read_text(encoding="utf-8").replace("  RECEIVED: 'Received',\n", ""), encoding="utf-8")
    assert "RECEIVED" in run(compiler, client)


def test_the_python_client_compiles_and_its_types_find_a_fault(python: tuple[Path, Path]) -> None:
    client, programs = python
    assert run([programs / "mypy"], client) == ""
    orders = client / "orders.py"
    text = orders.read_text(encoding="utf-8")
    orders.write_text(text.replace("result.order.number", "result.order.nothing"), encoding="utf-8")
    assert 'has no attribute "nothing"' in run([programs / "mypy"], client)


def test_an_enum_of_the_python_client_takes_a_value_that_was_added_later(python: tuple[Path, Path]) -> None:
    client, programs = python
    code = "from kierto_graph import OrderState as S; assert S('LATER') is S.UNKNOWN; assert S('FAILED') is S.FAILED"
    assert run([programs / "python", "-c", code], client) == ""
