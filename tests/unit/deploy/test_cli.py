"""Tests of the command `kierto`: its subcommands, and fast help."""

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.paths import CLONE


def test_help_imports_nothing_heavy() -> None:
    heavy = [
        "aiohttp",
        "aiokafka",
        "aiosmtpd",
        "asyncpg",
        "cryptography",
        "jgo",
        "joserfc",
        "rich.table",
        "services",
        "strawberry",
        "uvicorn",
    ]
    code = f"import sys, deploy.cli; print([name for name in {heavy} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_it_has_all_commands() -> None:
    text = CliRunner().invoke(app, ["--help"]).output

    for command in ("up", "down", "reset", "status", "doctor", "clock", "announce", "rebuild", "documents", "keys"):
        assert f" {command} " in text


def test_down_without_a_stack_stops_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["down", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert result.output == "Nothing runs in this folder.\n"


def test_reset_deletes_the_data_of_a_stack_only(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "logs").mkdir()
    (tmp_path / "clock").write_text("60")

    result = CliRunner().invoke(app, ["reset", "--yes", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
