"""Reader of a process's growing log."""

import json
from pathlib import Path
from typing import Any


class LogTail:
    """The lines of a log from now on. After a rotation the new file is read from its beginning."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._position = file.stat().st_size if file.exists() else 0
        self._inode = file.stat().st_ino if file.exists() else 0

    def new_lines(self) -> list[dict[str, Any]]:
        """Return the lines since the last call; those that are no JSON, or incomplete, are left out."""
        if not self._file.exists():
            return []
        if self._file.stat().st_ino != self._inode:
            self._inode, self._position = self._file.stat().st_ino, 0
        with self._file.open("rb") as log:
            log.seek(self._position)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self._position += whole
        return [entry for line in text[:whole].splitlines() if (entry := _parsed(line)) is not None]


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
