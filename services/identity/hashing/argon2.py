"""Argon2id (RFC 9106) in a bounded number of threads, off the event loop."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from services.identity.domain.password import normalise_password

R = TypeVar("R")

_ITERATIONS, _MEMORY_KIB, _LANES = 2, 19 * 1024, 1
_CONCURRENCY = 2
"""Hashes at a time: many sign-ins do not take all memory and processors (see ``hashing.queue``)."""


def _make_dummy_hash() -> str:
    """Return a hash of no password: random bytes in the usual format, so that verifying takes the usual time."""
    salt, tag = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ITERATIONS},p={_LANES}${salt}${tag}"


_DUMMY_HASH = _make_dummy_hash()


class Argon2Passwords:
    """Implements ``usecases.ports.passwords.Passwords``. A process has one."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(_ITERATIONS, _MEMORY_KIB, _LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(_CONCURRENCY, "argon2")

    async def hash(self, password: str) -> str:
        normalised = normalise_password(password)
        assert normalised is not None, "the password was checked before"
        return await self._run_in_thread(lambda: self._hash(normalised))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        normalised = normalise_password(password)
        if password_hash is None or normalised is None:
            await self._run_in_thread(lambda: self._verify(_DUMMY_HASH, normalised or ""))
            return False
        return await self._run_in_thread(lambda: self._verify(password_hash, normalised))

    def _hash(self, normalised: str) -> str:
        return self._hasher.hash(normalised)

    def _verify(self, password_hash: str, normalised: str) -> bool:
        try:
            return self._hasher.verify(password_hash, normalised)
        except (VerificationError, InvalidHashError):
            return False

    async def _run_in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
