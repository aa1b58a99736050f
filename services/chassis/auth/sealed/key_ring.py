"""Key ring of a service: the keys that seal its values, and the states through which a rotation takes them.

A ring is a JSON file of its own for each service. It is changed by ``kierto keys rotate`` alone.
"""

import datetime as dt
import enum
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

KEY_ID_BYTES = 8
_SECRET_BYTES = 32


class InvalidKeyRing(Exception):
    """A file that can't be read as a key ring; the text names the file and the reason, and no secret."""


class KeyState(enum.Enum):
    """State of a key (in the terms of NIST SP 800-57, part 1: pre-activation, active, deactivated, destroyed)."""

    DISTRIBUTED = "distributed"
    """Known, so that every process can unseal with it before one seals with it."""
    IN_USE = "in use"
    """The one key that seals."""
    RETIRING = "retiring"
    """It unseals the values that have it, in the database and in its backups."""
    RETIRED = "retired"
    """Its secret is deleted."""


class SealingKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key of AES-256. Its text never shows the secret."""

    id: str
    """16 hexadecimal digits."""
    created: dt.datetime
    state: KeyState
    since: dt.datetime
    """The instant since which the key is in its state."""
    unused_since: dt.datetime | None = None
    """The instant at which no row had the retiring key any more."""
    secret: bytes = b""
    """32 random bytes; none once the key is retired."""

    def __post_init__(self) -> None:
        if len(self.id_bytes) != KEY_ID_BYTES or self.id_bytes.hex() != self.id:
            raise ValueError(f"a key's id is not {2 * KEY_ID_BYTES} hexadecimal digits")
        if len(self.secret) != (0 if self.state is KeyState.RETIRED else _SECRET_BYTES):
            raise ValueError(f"the secret of key {self.id} does not have the length of its state")
        if any(time is not None and time.tzinfo is None for time in (self.created, self.since, self.unused_since)):
            raise ValueError(f"a time of key {self.id} has no offset")

    def __repr__(self) -> str:
        return f"SealingKey(id={self.id!r}, state={self.state.value!r})"

    def __rich_repr__(self) -> Any:
        yield "id", self.id
        yield "state", self.state.value

    @property
    def id_bytes(self) -> bytes:
        """The id as it stands in a sealed value."""
        return bytes.fromhex(self.id)


class KeyRing(msgspec.Struct, frozen=True):
    """The keys of a service: one in use, at most one distributed, any number retiring and retired."""

    keys: tuple[SealingKey, ...]

    def __post_init__(self) -> None:
        if len({key.id for key in self.keys}) != len(self.keys):
            raise ValueError("two keys have one id")
        if len(self.of_state(KeyState.IN_USE)) != 1:
            raise ValueError("not exactly one key is in use")
        if len(self.of_state(KeyState.DISTRIBUTED)) > 1:
            raise ValueError("several keys are distributed")

    @property
    def in_use(self) -> SealingKey:
        return self.of_state(KeyState.IN_USE)[0]

    @property
    def distributed(self) -> SealingKey | None:
        return next(iter(self.of_state(KeyState.DISTRIBUTED)), None)

    @property
    def retiring(self) -> Sequence[SealingKey]:
        return self.of_state(KeyState.RETIRING)

    def of_state(self, state: KeyState) -> Sequence[SealingKey]:
        return [key for key in self.keys if key.state is state]

    def find(self, id: str) -> SealingKey | None:
        """Return a key that still has its secret; None if there is none with this id."""
        return next((key for key in self.keys if key.id == id and key.secret), None)

    def distribute(self, now: dt.datetime) -> "KeyRing":
        """Return the ring with a new key, distributed; unchanged if one is distributed already."""
        return self if self.distributed else KeyRing((*self.keys, _new_key(KeyState.DISTRIBUTED, now)))

    def use_distributed(self, now: dt.datetime) -> "KeyRing":
        """Return the ring with the distributed key in use and the former one retiring; unchanged without one."""
        if self.distributed is None:
            return self
        following = {KeyState.DISTRIBUTED: KeyState.IN_USE, KeyState.IN_USE: KeyState.RETIRING}
        return KeyRing(
            tuple(
                msgspec.structs.replace(key, state=following[key.state], since=now) if key.state in following else key
                for key in self.keys
            )
        )

    def retire(self, id: str, rows: int, now: dt.datetime, backup_age: dt.timedelta) -> "KeyRing":
        """Return the ring after a count of a retiring key's rows: without its secret, if no backup has the key either.

        Backups are kept for ``backup_age``. The first count of zero is kept, until a count finds rows again.
        """
        key = self.find(id)
        if key is None or key.state is not KeyState.RETIRING:
            return self
        if rows:
            return self._replace(key, unused_since=None)
        unused_since = key.unused_since or now
        if now - unused_since <= backup_age:
            return self._replace(key, unused_since=unused_since)
        return self._replace(key, state=KeyState.RETIRED, since=now, unused_since=unused_since, secret=b"")

    def encode(self) -> str:
        """Return the text of the file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"

    def _replace(self, key: SealingKey, **changes: Any) -> "KeyRing":
        changed = msgspec.structs.replace(key, **changes)
        return KeyRing(tuple(changed if other is key else other for other in self.keys))


def new_key_ring(now: dt.datetime) -> KeyRing:
    """Return a ring with one new key, in use."""
    return KeyRing((_new_key(KeyState.IN_USE, now),))


def read_key_ring(path: Path) -> KeyRing:
    """Read a ring's file; raise InvalidKeyRing if it is none, or if every user of the host may read it."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IRWXO:
                raise InvalidKeyRing(f"{path} is open to every user of the host (expected mode 0600)")
            return msgspec.json.decode(file.read(), type=KeyRing)
    except OSError as error:
        raise InvalidKeyRing(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidKeyRing(f"{path} is no key ring: {error}") from None


def _new_key(state: KeyState, now: dt.datetime) -> SealingKey:
    secret = secrets.token_bytes(_SECRET_BYTES)
    return SealingKey(id=secrets.token_hex(KEY_ID_BYTES), created=now, state=state, since=now, secret=secret)
