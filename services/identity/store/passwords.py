"""How passwords are kept: Argon2id (RFC 9106), a bounded number at a time, away from the event loop."""

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
"""Hashes at a time: a wave of sign-ins does not take the memory and the processors of all else (`hashing_queue`)."""


def _make_dummy_hash() -> str:
    """A hash of no password: random bytes in the usual form, so that checking against it takes the usual time."""
    salt, tag = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_ITERATIONS},p={_LANES}${salt}${tag}"


_DUMMY_HASH = _make_dummy_hash()


class Argon2Passwords:
    """Implements ``usecases.ports.Passwords``. A process makes one."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(_ITERATIONS, _MEMORY_KIB, _LANES, type=Type.ID)
        self._threads = ThreadPoolExecutor(_CONCURRENCY, "argon2")

    async def hash(self, password: str) -> str:
        form = normalise_password(password)
        assert form is not None, "it was judged before"
        return await self._run_in_thread(lambda: self._hash(form))

    async def verify(self, kept: str | None, password: str) -> bool:
        form = normalise_password(password)
        if kept is None or form is None:
            await self._run_in_thread(lambda: self._verify(_DUMMY_HASH, form or ""))
            return False
        return await self._run_in_thread(lambda: self._verify(kept, form))

    def _hash(self, form: str) -> str:
        return self._hasher.hash(form)

    def _verify(self, kept: str, form: str) -> bool:
        try:
            return self._hasher.verify(kept, form)
        except (VerificationError, InvalidHashError):
            return False

    async def _run_in_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
