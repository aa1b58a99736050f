"""Partners, for staff."""

from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.identity import Partner


@field()
async def partners(info: Info) -> list[Partner]:
    """Every partner, by name (I13). Staff only."""
    return await undecoded(info.context.identity).partners()
