"""A process's view of its service's key ring, which follows the file."""

import time
from pathlib import Path

from services.chassis.auth.sealed.key_ring import InvalidKeyRing, SealingKey, read_key_ring
from services.chassis.telemetry.logging import logger

REREAD_INTERVAL_S = 1.0
"""Time between two reads of the file: values with hostile key ids must not become reads."""

_log = logger(__name__)


class KeyRingReader:
    """Reader of a key ring. It reads the file again to seal, and when a value names an unknown key.

    The last ring that could be read stays valid. A rotation distributes a key for longer than the interval before it is
    used, so that no process fails to know a key because it has read the file an instant ago.
    """

    def __init__(self, path: Path) -> None:
        """Read the file. Raises InvalidKeyRing."""
        self._path = path
        self._read_at = time.monotonic()
        self._ring = read_key_ring(path)

    def key_in_use(self) -> SealingKey:
        """Return the key to seal with."""
        self._reread()
        return self._ring.in_use

    def find(self, id: str) -> SealingKey | None:
        """Return the key with this id; None if the ring has none."""
        found = self._ring.find(id)
        if found is None and self._reread():
            found = self._ring.find(id)
        return found

    def _reread(self) -> bool:
        """Read the file again unless the interval has not passed; return whether the ring is newly read."""
        now = time.monotonic()
        if now - self._read_at < REREAD_INTERVAL_S:
            return False
        self._read_at = now  # the instant before the read: the ring is at least as new
        try:
            self._ring = read_key_ring(self._path)
        except InvalidKeyRing as error:
            _log.error("key ring not read", reason=str(error))
            return False
        return True
