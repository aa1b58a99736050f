"""The counting of attempts, against guessing: also of a hundred at once, and while Redis is down."""

from services.chassis.http.server.client_address import rate_limit_network
from services.contracts.values import Refusal
from services.identity.domain.attempts import AttemptCounter, Scope, check_address, check_attempt
from services.identity.domain.secret import digest
from services.identity.usecases.ports.transaction import IdentityStore


def counter_of(pepper: bytes, scope: Scope, name: str) -> AttemptCounter:
    """Return the counter of an attempt. Its key is a digest, for addresses and names are personal data."""
    counted = rate_limit_network(name) if scope in (Scope.ADDRESS, Scope.MACHINE_ADDRESS) else name
    return AttemptCounter(scope, digest(pepper, scope.value, counted))


async def count_attempt(
    tx: IdentityStore, address: AttemptCounter, gate: AttemptCounter, device: AttemptCounter | None = None
) -> list[AttemptCounter] | Refusal:
    """Count an attempt before it is made. Return its counters, to refund them if it succeeds.

    Refused with TOO_MANY_ATTEMPTS. The count stays, whatever comes of the attempt. ``device`` is a known device of the
    account that ``gate`` counts.
    """
    counts = await tx.attempts.lock([counter for counter in (address, gate, device) if counter], tx.now)
    decision = check_attempt(counts[address], counts[gate], counts[device] if device else None, tx.now)
    await tx.attempts.save(decision.counts)
    return decision.refusal or [count.counter for count in decision.counts]


async def count_wrong_secret(tx: IdentityStore, address: AttemptCounter) -> Refusal | None:
    """Count a wrong client secret. Refused with TOO_MANY_ATTEMPTS if too many came from its address."""
    decision = check_address((await tx.attempts.lock([address], tx.now))[address], tx.now)
    await tx.attempts.save(decision.counts)
    return decision.refusal
