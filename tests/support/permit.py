"""A permit of every call, for contracts that are served without access."""

from typing import Any

import msgspec

from services.chassis.rpc.signature import Signature


class PermitAll:
    """Implements ``rpc.server.Permit``."""

    def check_caller(self, caller: Any, operation: Signature) -> None:
        """Permit every caller."""

    async def check_things(self, caller: Any, operation: Signature, arguments: msgspec.Struct) -> Any:
        """Permit every thing."""
        return caller
