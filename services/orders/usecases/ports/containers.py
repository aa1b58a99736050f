"""The port of the copy of containers."""

from collections.abc import Collection
from typing import Protocol

from services.orders.domain.agreement import ContainerCopy


class ContainerCopyRepository(Protocol):
    """The copy of containers."""

    async def upsert(self, container: ContainerCopy) -> None:
        """Copy a container, unless the copy is as new already, and add a placeholder of an unknown site."""
        ...

    async def by_number(self, numbers: Collection[str]) -> dict[str, ContainerCopy]: ...
