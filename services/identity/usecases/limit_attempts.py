"""Counting attempts, so that nobody guesses for long: not even a hundred at once, or while Redis is away."""

from services.chassis.client_address import counted_network
from services.contracts.values import Refusal
from services.identity.domain.attempts import WINDOW, Counter, Scope, too_many
from services.identity.domain.secret import digest
from services.identity.usecases.ports import IdentityStore


def counters(pepper: bytes, **names: str) -> list[Counter]:
    """What an attempt is counted by, each a scope's name in small letters; as digests, for it is personal."""
    return [_counter(pepper, Scope[key.upper()], name) for key, name in names.items()]


def _counter(pepper: bytes, scope: Scope, name: str) -> Counter:
    counted = counted_network(name) if scope in (Scope.ADDRESS, Scope.MACHINE_ADDRESS) else name
    return Counter(scope, digest(pepper, scope.value, counted))


async def count_attempt(tx: IdentityStore, counted_by: list[Counter]) -> Refusal | None:
    """Count an attempt before it is made; TOO_MANY_ATTEMPTS if it may not be. The count stays, whatever comes of it."""
    return too_many(await tx.count_attempts(counted_by, WINDOW), tx.now)
