"""What each service asks of others in its own name: its token is worth nothing for all else.

A service that was broken into reads what its own work needs, not what all services may read together.
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.access.caller import Caller
from services.chassis.problems import Forbidden
from services.chassis.rpc.signature import Signature
from services.contracts.identity import Identity, SubjectKind
from services.contracts.orders import Orders

Method = Callable[..., Any]

SERVICE_OPERATIONS: Mapping[str, frozenset[Method]] = {
    "gateway": frozenset({Identity.access_of, Orders.events}),
    "sites": frozenset({Identity.access_of}),
    "orders": frozenset({Identity.access_of}),
    "stats": frozenset({Identity.access_of}),
    "support": frozenset({Identity.access_of, Identity.contacts}),
}
"""The operations of other services by the name of the service whose token may call them."""


def permit(caller: Caller, operation: Signature) -> None:
    """Let a caller through to an operation.

    Raises Unauthenticated if a public operation is not asked for by the gateway, Forbidden if a service's token is
    shown for an operation that is not among that service's own. What other callers may do, the operation decides.
    """
    if operation.declared.public:
        if not operation.declared.open:
            caller.require_gateway()
    elif caller.kind is SubjectKind.SERVICE and operation.method not in SERVICE_OPERATIONS.get(caller.service, ()):
        raise Forbidden
