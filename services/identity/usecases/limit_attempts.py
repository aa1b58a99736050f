"""The counting of attempts, against guessing: also of a hundred at once, and while Redis is down."""

import msgspec

from services.chassis.http.server.client_address import rate_limit_network
from services.contracts.values import Refusal
from services.identity.domain.attempts import AttemptCounter, Scope, check_attempt, check_windows
from services.identity.domain.names import username_key
from services.identity.domain.secret import digest
from services.identity.usecases.ports.transaction import IdentityStore


def counter_of(pepper: bytes, scope: Scope, name: str) -> AttemptCounter:
    """Return the counter of an attempt. Its key is a digest, for addresses and names are personal data."""
    counted = rate_limit_network(name) if scope in (Scope.ADDRESS, Scope.MACHINE_ADDRESS) else name
    return AttemptCounter(scope, digest(pepper, scope.value, counted))


def mail_counter(pepper: bytes, operation: str, account: str) -> AttemptCounter:
    """Return the counter of the mails that an operation sends to an account or address, by its name as typed."""
    return counter_of(pepper, Scope.RECOVERY, f"{operation}:{username_key(account)}")


class CountedAttempt(msgspec.Struct, frozen=True):
    """An attempt that may be made."""

    counters: list[AttemptCounter]
    """To refund if it succeeds."""
    locks: bool = False
    """Whether the account slows down the attempts after this one, if it fails."""


async def count_attempt(
    tx: IdentityStore, address: AttemptCounter, gate: AttemptCounter, device: AttemptCounter | None = None
) -> CountedAttempt | Refusal:
    """Count an attempt before it is made.

    Refused with TOO_MANY_ATTEMPTS. The count stays, whatever comes of the attempt. ``device`` is a known device of the
    account that ``gate`` counts.
    """
    counts = await tx.attempts.lock([counter for counter in (address, gate, device) if counter], tx.now)
    decision = check_attempt(counts[address], counts[gate], counts[device] if device else None, tx.now)
    await tx.attempts.save(decision.counts)
    return decision.refusal or CountedAttempt([count.counter for count in decision.counts], decision.locks)


async def count_in_windows(tx: IdentityStore, *counters: AttemptCounter) -> Refusal | None:
    """Count an attempt that has no gate. Refused with TOO_MANY_ATTEMPTS if one of its windows is full."""
    counts = await tx.attempts.lock(counters, tx.now)
    decision = check_windows([counts[counter] for counter in counters], tx.now)
    await tx.attempts.save(decision.counts)
    return decision.refusal
