"""Tests of `kierto import`: it finds the gateway of its folder's stack on any port."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.errors import StackError
from deploy.local.lock import FolderLock
from deploy.local.paths import Home


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stack's folder, and an export of one file beside it."""
    for name in ("KIERTO_PORT_BASE", "KIERTO_GATEWAY_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KIERTO_HOME", str(tmp_path / "stack"))
    monkeypatch.setenv("KIERTO_PASSWORD", "irrelevant")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "sites.csv").write_text("site_number\n")
    Home(tmp_path / "stack").make()
    return tmp_path


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port without a listener."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


def run(folder: Path, *arguments: str) -> str:
    """Return the output of the command without a gateway at its URL."""
    result = CliRunner().invoke(app, ["import", str(folder / "export"), "--username", "anna", *arguments])
    if isinstance(result.exception, StackError):
        raise result.exception
    assert result.exit_code == 2, result.output
    return result.output


@pytest.mark.parametrize("port_base", [None, "9700"])
def test_the_running_stack_determines_the_url(
    folder: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch, port_base: str | None
) -> None:
    if port_base:
        monkeypatch.setenv("KIERTO_PORT_BASE", port_base)
    lock = FolderLock(Home(folder / "stack"))
    lock.acquire(unused_port)
    try:
        assert f"http://127.0.0.1:{unused_port} did not answer" in run(folder)
    finally:
        lock.release()


def test_without_a_stack_the_port_base_determines_the_url(
    folder: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIERTO_PORT_BASE", str(unused_port))
    assert f"http://127.0.0.1:{unused_port} did not answer" in run(folder)


def test_a_named_gateway_is_used(folder: Path, unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIERTO_PORT_BASE", "9700")
    assert f"http://127.0.0.1:{unused_port} did not answer" in run(folder, "--url", f"http://127.0.0.1:{unused_port}")


def test_the_stack_of_another_folder_is_not_used(folder: Path) -> None:
    with pytest.raises(StackError, match="Nothing runs in"):
        run(folder)
