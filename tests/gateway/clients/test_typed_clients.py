"""The example clients are generated from the schema and the examples, and compile in the strictest mode."""

from pathlib import Path

import pytest

from tests.support.typed_clients import make_python_client, make_typescript_client, run


@pytest.fixture
def typescript(tmp_path: Path) -> tuple[Path, str]:
    """The folder of the TypeScript client, and the path of Node."""
    return make_typescript_client(tmp_path)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of the Python client, and that of the programs of its environment."""
    return make_python_client(tmp_path_factory.mktemp("python"))


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
