"""`kierto announce` and `kierto rebuild` before they reach a service, and how they say how far they are."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.progress import ProgressBars, ProgressLines, open_progress


@pytest.mark.parametrize("command", ["announce", "rebuild"])
def test_a_service_that_there_is_not_is_named_with_those_that_there_are(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, "accounting", "--home", str(tmp_path)])

    assert result.exit_code == 2
    assert "accounting" in result.output
    assert "identity" in result.output


def test_a_thing_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["announce", "sites", "lorry", "--home", str(tmp_path)])

    assert result.exit_code == 2
    assert "lorry" in result.output
    assert "container" in result.output


def test_a_service_of_which_nobody_keeps_a_copy_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["announce", "support", "--home", str(tmp_path)])

    assert result.exit_code == 0
    assert result.output == "support has nothing that others keep copies of.\n"


def test_where_nobody_looks_on_steps_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressLines() as steps:
        for done in (0, 200, 400, 421):
            steps.step("sites container", done, 421)
        steps.note("Nothing moves")

    said = capsys.readouterr()
    assert said.err == "sites container: 0 of 421\nsites container: 421 of 421\nNothing moves\n"
    assert said.out == ""


def test_on_a_terminal_steps_are_bars(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(open_progress(), ProgressLines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    steps = open_progress()
    assert isinstance(steps, ProgressBars)
    with steps:
        steps.step("sites site", 0, 203)
        steps.step("sites site", 203, 203)
    assert "203/203" in capsys.readouterr().err
