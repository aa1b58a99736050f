"""Partners, for staff."""

from collections.abc import Awaitable

from gateway.execution.cost_directives import ListSize
from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.identity import Partner


@field(size=ListSize(assumed_size=100))
def partners(info: Info) -> Awaitable[list[Partner]]:
    """Every partner, by name (I13). Staff only."""
    return undecoded(info.context.identity).partners()
