"""A process's log as it grows, read once."""

import json
from pathlib import Path
from typing import Any


class LogTail:
    """The lines of a log from now on. A file that was set aside and begun anew is read from its beginning."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._place = file.stat().st_size if file.exists() else 0
        self._inode = file.stat().st_ino if file.exists() else 0

    def new(self) -> list[dict[str, Any]]:
        """What came since the last look; lines that are no JSON, or that a kill broke off, are left out."""
        if not self._file.exists():
            return []
        if self._file.stat().st_ino != self._inode:
            self._inode, self._place = self._file.stat().st_ino, 0
        with self._file.open("rb") as log:
            log.seek(self._place)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self._place += whole
        return [found for line in text[:whole].splitlines() if (found := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
