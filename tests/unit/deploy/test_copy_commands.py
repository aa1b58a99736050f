"""Tests of the arguments and the progress of `kierto announce` and `kierto rebuild`."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.progress import ProgressBars, ProgressLines, open_progress


@pytest.mark.parametrize("command", ["announce", "rebuild"])
def test_an_unknown_service_is_named_with_the_known_ones(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, "accounting", "--home", str(tmp_path)])

    assert result.exit_code == 2
    assert "accounting" in result.output
    assert "identity" in result.output


def test_an_unknown_thing_is_named_with_the_known_ones(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["announce", "sites", "lorry", "--home", str(tmp_path)])

    assert result.exit_code == 2
    assert "lorry" in result.output
    assert "container" in result.output


def test_a_service_without_copies_elsewhere_is_reported(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["announce", "support", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert result.output == "support has nothing that others keep copies of.\n"


def test_without_a_terminal_steps_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLines() as progress:
        for done in (0, 200, 400, 421):
            progress.step("sites container", done, 421)
        progress.note("Nothing moves")

    output = capsys.readouterr()
    assert output.err == "sites container: 0 of 421\nsites container: 421 of 421\nNothing moves\n"
    assert output.out == ""


def test_on_a_terminal_steps_are_bars(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(open_progress(), ProgressLines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = open_progress()
    assert isinstance(progress, ProgressBars)
    with progress:
        progress.step("sites site", 0, 203)
        progress.step("sites site", 203, 203)
    assert "203/203" in capsys.readouterr().err
