"""Who asks."""

from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.identity import Me


@field()
async def me(info: Info) -> Me | None:
    """The signed-in user and what they belong to (I10); null for a partner."""
    return await undecoded(info.context.identity).me()
