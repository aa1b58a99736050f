"""The budgets of callers without a token, which are counted by network."""

from typing import Any, cast

import pytest

from gateway.context import GatewayDependencies, build_requester
from gateway.rate_limit.limiter import RateLimited, RateLimiter
from tests.unit.rate_limit.test_budget import BudgetFixture


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_one_subscriber_has_one_budget(first: str, second: str, *, is_same: bool) -> None:
    budget, unused = BudgetFixture().budget, cast(Any, None)
    dependencies, rate_limiter = GatewayDependencies({}, *[unused] * 6), RateLimiter({None: budget})
    assert rate_limiter.spend(build_requester(dependencies, None, "fi", first), budget.chunk).allowed
    requester = build_requester(dependencies, None, "fi", second)
    if is_same:
        with pytest.raises(RateLimited):
            rate_limiter.spend(requester, budget.chunk)
    else:
        assert rate_limiter.spend(requester, budget.chunk).allowed
