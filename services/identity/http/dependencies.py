"""What the operations work with, made once a process."""

from collections.abc import Mapping

import msgspec

from services.chassis.auth.tokens import Signer
from services.hosting.processes import ServiceRuntime
from services.identity.domain.registration import RegistrationRules
from services.identity.store.hashing_queue import HashingQueue
from services.identity.store.transaction import IdentityTransaction
from services.identity.usecases.ports import Passwords


class IdentityDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """``pepper`` goes into every digest; ``service_secrets`` are the services' own, by name.

    ``queue`` is where whatever hashes a password for a stranger waits for its turn.
    """

    base: ServiceRuntime[IdentityTransaction]
    passwords: Passwords
    queue: HashingQueue
    signer: Signer
    pepper: bytes
    service_secrets: Mapping[str, str]
    rules: RegistrationRules
