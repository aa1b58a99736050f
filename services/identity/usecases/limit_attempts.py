"""Counting attempts, so that nobody guesses for long: not even a hundred at once, or while Redis is away."""

from services.chassis.client_address import counted_network
from services.contracts.values import Refusal
from services.identity.domain.attempts import WINDOW, Counter, Scope, too_many
from services.identity.domain.secret import digest
from services.identity.usecases.ports import IdentityStore


def counters(pepper: bytes, **names: str) -> list[Counter]:
    """What an attempt is counted by: ``address``, ``customer_number``, ``username``; as digests, for it is personal."""
    if "address" in names:
        names["address"] = counted_network(names["address"])
    scopes = {Scope[key.upper()]: name for key, name in names.items()}
    return [Counter(scope, digest(pepper, scope.value, name)) for scope, name in scopes.items()]


async def count_attempt(tx: IdentityStore, counted_by: list[Counter]) -> Refusal | None:
    """Count an attempt before it is made; TOO_MANY_ATTEMPTS if it may not be. The count stays, whatever comes of it."""
    return too_many(await tx.count_attempts(counted_by, WINDOW), tx.now)
