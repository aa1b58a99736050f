"""Who asks."""

from collections.abc import Awaitable

from gateway.schema.declare import Info, field
from services.chassis.rpc.undecoded import undecoded
from services.contracts.identity import Me


@field()
def me(info: Info) -> Awaitable[Me | None]:
    """The signed-in user and what they belong to (I10); null for a partner."""
    return undecoded(info.context.identity).me()
