"""The port of password hashing."""

from typing import Protocol


class Passwords(Protocol):
    """Slow hashing, outside of any transaction."""

    async def hash(self, password: str) -> str:
        """Hash a password that was accepted."""
        ...

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Verify a password against its hash. None fails, in the same time."""
        ...
