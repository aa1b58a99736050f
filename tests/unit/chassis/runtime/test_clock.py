"""Clock: it follows the offset in its file."""

import datetime as dt
from pathlib import Path

from services.chassis.runtime.clock import SystemClock


def test_the_clock_follows_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SystemClock("Europe/Helsinki", file)
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
    file.write_text("864000.0")
    moved = SystemClock("Europe/Helsinki", file)
    assert abs(moved.now() - dt.datetime.now(dt.UTC) - dt.timedelta(days=10)) < dt.timedelta(seconds=5)
    assert moved.today() == moved.now().astimezone(moved.zone).date()
