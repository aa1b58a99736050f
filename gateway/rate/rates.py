"""What callers of each kind may spend, and the refusal of those who have spent it."""

from collections.abc import Mapping

from gateway.context import Asker
from gateway.errors import Refused
from gateway.rate.budget import Budget
from gateway.rate.policy import Spent
from services.contracts.identity import SubjectKind


class RateLimited(Refused):
    """The caller has spent what it may spend for now."""

    def __init__(self, spent: Spent) -> None:
        headers = {name.decode(): value.decode() for name, value in spent.fields()}
        super().__init__(429, "RATE_LIMITED", headers, seconds=spent.retry_after)


class Rates:
    """Budgets by the callers' kind; None: strangers, each by their address."""

    def __init__(self, budgets: Mapping[SubjectKind | None, Budget]) -> None:
        self._budgets = {"" if kind is None else kind.value: budget for kind, budget in budgets.items()}

    def spend(self, asker: Asker, cost: int) -> Spent:
        """Spend so many units of who asks, and say what that leaves; RateLimited if there are not so many."""
        spent = self._budgets[asker.kind].spend(asker.key, cost)
        if spent.retry_after:
            raise RateLimited(spent)
        return spent
