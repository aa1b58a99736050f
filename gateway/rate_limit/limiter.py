"""What callers of each kind may spend, and the refusal of those who have spent it."""

from collections.abc import Mapping

from gateway.context import Requester
from gateway.errors import RequestError
from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import RateLimitStatus
from services.contracts.identity import SubjectKind


class RateLimited(RequestError):
    """The caller has spent what it may spend for now."""

    def __init__(self, spent: RateLimitStatus) -> None:
        headers = {name.decode(): value.decode() for name, value in spent.fields()}
        super().__init__(429, "RATE_LIMITED", headers, seconds=spent.retry_after)


class RateLimiter:
    """Budgets by the callers' kind; None: strangers, each by their address."""

    def __init__(self, budgets: Mapping[SubjectKind | None, Budget]) -> None:
        self._budgets = {"" if kind is None else kind.value: budget for kind, budget in budgets.items()}

    def spend(self, asker: Requester, cost: int) -> RateLimitStatus:
        """Spend so many units of who asks, and say what that leaves; RateLimited if there are not so many."""
        spent = self._budgets[asker.kind].spend(asker.key, cost)
        if spent.retry_after:
            raise RateLimited(spent)
        return spent
