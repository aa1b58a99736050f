"""Counting attempts, so that nobody guesses for long: not even a hundred at once, or while Redis is away."""

from services.chassis.http.server.client_address import rate_limit_network
from services.contracts.values import Refusal
from services.identity.domain.attempts import AttemptCounter, Scope, check_address, check_attempt
from services.identity.domain.secret import digest
from services.identity.usecases.ports import IdentityStore


def counter_of(pepper: bytes, scope: Scope, name: str) -> AttemptCounter:
    """Return what an attempt is counted by: a digest, for an address and a name are personal."""
    counted = rate_limit_network(name) if scope in (Scope.ADDRESS, Scope.MACHINE_ADDRESS) else name
    return AttemptCounter(scope, digest(pepper, scope.value, counted))


async def count_attempt(
    tx: IdentityStore, address: AttemptCounter, gate: AttemptCounter, device: AttemptCounter | None = None
) -> list[AttemptCounter] | Refusal:
    """Count an attempt before it is made; by what, to be given back if it was right. Refused: TOO_MANY_ATTEMPTS.

    The count stays, whatever comes of the attempt. ``device`` is one that is known for what ``gate`` counts.
    """
    counts = await tx.lock_counts([one for one in (address, gate, device) if one])
    judgement = check_attempt(counts[address], counts[gate], counts[device] if device else None, tx.now)
    await tx.save_counts(judgement.counts)
    return judgement.refusal or [count.counter for count in judgement.counts]


async def count_wrong_secret(tx: IdentityStore, address: AttemptCounter) -> Refusal | None:
    """Count a wrong secret of a machine; TOO_MANY_ATTEMPTS if its address sent too many of them."""
    judgement = check_address((await tx.lock_counts([address]))[address], tx.now)
    await tx.save_counts(judgement.counts)
    return judgement.refusal
