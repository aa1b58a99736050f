"""The port of rules."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.orders.domain.rules import Rule


class RuleRepository(Protocol):
    """Rules."""

    async def by_number(self, numbers: Collection[str]) -> dict[str, Rule]: ...

    async def save(self, rules: Sequence[Rule]) -> None: ...
