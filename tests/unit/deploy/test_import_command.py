"""Tests of `kierto import`: it finds the gateway of its folder's stack on any port, and reports what was done."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import export_upload
from deploy.cli import app
from deploy.export_upload import FileResult
from deploy.graphql_client import GraphQLClient, GraphQLClientError
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


def test_the_files_before_a_failure_are_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sign_in(*_: object) -> None:
        pass

    async def upload_all(*_: object, dry_run: bool) -> AsyncIterator[FileResult]:
        yield FileResult("organisations", 2, 1, 0, 1, [])
        raise GraphQLClientError("sites.csv: The file lacks columns.")

    monkeypatch.setattr(GraphQLClient, "sign_in", sign_in)
    monkeypatch.setattr(export_upload, "upload_all", upload_all)
    lines = run(folder, "--url", "http://127.0.0.1:9").splitlines()
    assert "organisations: 2 rows, 1 added, 0 changed, 1 unchanged, 0 bad" in lines
    assert lines[-1] == "sites.csv: The file lacks columns."


def test_a_folder_without_files_is_refused_before_the_password_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIERTO_PASSWORD")
    (folder / "export" / "sites.csv").rename(folder / "export" / "site.csv")
    assert "site.csv: no such file in an export" in run(folder, "--url", "http://127.0.0.1:9")
