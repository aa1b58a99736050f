"""Partners, for staff."""

from collections.abc import Awaitable

from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.identity import Partner


@field()
def partners(info: Info) -> Awaitable[list[Partner]]:
    """Every partner, by name (I13). Staff only."""
    return undecoded(info.context.identity).partners()
