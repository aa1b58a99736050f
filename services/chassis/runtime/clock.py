"""Clock of a process. Outside production it follows an offset in a shared file: tests move every process at once."""

import datetime as dt
import time
import zoneinfo
from pathlib import Path
from typing import Protocol

_REREAD_INTERVAL_S = 0.02


class Clock(Protocol):
    """The present instant, and the present day in the operator's time zone."""

    def now(self) -> dt.datetime:
        """Return the present instant, in UTC."""
        ...

    def today(self) -> dt.date:
        """Return the present day in the operator's zone."""
        ...

    @property
    def zone(self) -> zoneinfo.ZoneInfo: ...


class SystemClock:
    """The machine's clock, moved by the offset (in seconds, as text) in ``offset_file``."""

    def __init__(self, zone: str, offset_file: Path | None = None) -> None:
        self.zone = zoneinfo.ZoneInfo(zone)
        self._file = offset_file
        self._offset = dt.timedelta()
        self._read_at = -1.0

    def now(self) -> dt.datetime:
        if self._file is not None and time.monotonic() - self._read_at > _REREAD_INTERVAL_S:
            self._offset = read_offset(self._file)
            self._read_at = time.monotonic()
        return dt.datetime.now(dt.UTC) + self._offset

    def today(self) -> dt.date:
        return self.now().astimezone(self.zone).date()


def read_offset(file: Path) -> dt.timedelta:
    """Return the offset in a clock file; zero if there is no file."""
    try:
        return dt.timedelta(seconds=float(file.read_text(encoding="ascii")))
    except FileNotFoundError:
        return dt.timedelta()
