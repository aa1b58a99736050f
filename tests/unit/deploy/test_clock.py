"""Tests of the stack's clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.clock import parse_duration
from deploy.local.paths import Home
from services.chassis.runtime.clock import read_offset


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


def _clock(folder: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["clock", *arguments, "--home", str(folder)])
    return result.exit_code, result.output


def test_it_is_set_moved_and_reset(tmp_path: Path) -> None:
    home = Home(tmp_path)

    assert _clock(tmp_path, "set", "2026-03-02T08:00")[1].startswith("2026-03-02 08:00:0")
    ahead = datetime.now(UTC) + read_offset(home.clock)
    assert abs(ahead - datetime(2026, 3, 2, 6, 0, tzinfo=UTC)) < timedelta(seconds=20)

    assert _clock(tmp_path, "advance", "3d")[1].startswith("2026-03-05 08:00:")
    assert _clock(tmp_path, "show")[1].startswith("2026-03-05 08:00:")
    assert "(the machine's)" in _clock(tmp_path, "reset")[1]
    assert read_offset(home.clock) == timedelta()


@pytest.mark.parametrize("arguments", [("set", "tomorrow"), ("advance", "3x"), ("advance", ""), ("advance", "-1d")])
def test_an_invalid_time_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, _ = _clock(tmp_path, *arguments)

    assert code == 2
    assert not (tmp_path / "clock").exists()
