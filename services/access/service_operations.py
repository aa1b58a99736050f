"""The operations that each service may call with its own token: least privilege between services.

A compromised service reads the data that its own work needs, not the data of all services.
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
    """Check that a caller may call an operation at all. Other callers are authorised by the operation itself.

    Raises Unauthenticated if a public operation is not called by the gateway, Forbidden if a service calls an
    operation that is not among its ``SERVICE_OPERATIONS``.
    """
    if operation.declared.public:
        if not operation.declared.open:
            caller.require_gateway()
    elif caller.kind is SubjectKind.SERVICE and operation.method not in SERVICE_OPERATIONS.get(caller.service, ()):
        raise Forbidden
