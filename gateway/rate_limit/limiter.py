"""The rate limiter of all kinds of callers, and its error."""

from collections.abc import Mapping

from gateway.context import Requester
from gateway.errors import RequestError
from gateway.rate_limit.budget import Budget
from gateway.rate_limit.policy import RateLimitStatus
from services.contracts.permission import SubjectKind


class RateLimited(RequestError):
    """The caller has exceeded its rate limit."""

    def __init__(self, status: RateLimitStatus) -> None:
        headers = {name.decode(): value.decode() for name, value in status.fields()}
        super().__init__(429, "RATE_LIMITED", headers, seconds=status.retry_after)


class RateLimiter:
    """Budgets by kind of caller; None: callers without a token, by their address."""

    def __init__(self, budgets: Mapping[SubjectKind | None, Budget]) -> None:
        self._budgets = {"" if kind is None else kind.value: budget for kind, budget in budgets.items()}

    def spend(self, requester: Requester, cost: int) -> RateLimitStatus:
        """Charge so many units to a caller and return the caller's status; RateLimited if the limit is exceeded."""
        status = self._budgets[requester.kind].spend(requester.key, cost)
        if status.retry_after:
            raise RateLimited(status)
        return status
