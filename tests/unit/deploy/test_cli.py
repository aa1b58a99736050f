"""The command: what it offers, and that help comes at once."""

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
        "jgo",
        "joserfc",
        "rich.table",
        "services",
        "strawberry",
        "uvicorn",
    ]
    look = f"import sys, deploy.cli; print([name for name in {heavy} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", look], cwd=CLONE, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_it_offers_what_people_do() -> None:
    text = CliRunner().invoke(app, ["--help"]).output

    for command in ("up", "down", "reset", "status", "doctor", "clock", "announce", "rebuild", "documents"):
        assert f" {command} " in text


def test_where_nothing_runs_there_is_nothing_to_stop(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["down", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert result.output == "Nothing runs in this folder.\n"


def test_reset_deletes_what_a_stack_made_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "logs").mkdir()
    (tmp_path / "clock").write_text("60")

    result = CliRunner().invoke(app, ["reset", "--yes", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
