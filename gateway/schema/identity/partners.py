"""Query partners."""

from collections.abc import Awaitable

from gateway.execution.cost.directives import ListSize
from gateway.schema.contract_types import extend_type
from gateway.schema.fields import Info, field
from services.chassis.rpc.raw_result import raw_client
from services.contracts.identity.partners import Partner

extend_type(Partner, node=True)


@field(size=ListSize(assumed_size=100))
def partners(info: Info) -> Awaitable[list[Partner]]:
    """All partners, by name (I13). Staff only."""
    return raw_client(info.context.clients.identity).partners()
