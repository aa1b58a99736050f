"""The port of the imports of all services."""

from typing import Protocol

from services.contracts.imports import Import
from services.contracts.values import Id


class Imports(Protocol):
    """Imports, at the time at which a message tells of them."""

    async def find(self, import_id: Id) -> Import | None:
        """Return an import; None if it does not exist. Raise NotReadyYet while its service does not answer."""
        ...
