"""By what strangers' spending is counted."""

from typing import Any, cast

import pytest

from gateway.context import GatewayDependencies, build_requester
from gateway.rate_limit.limiter import RateLimited, RateLimiter
from tests.unit.rate_limit.test_budget import BudgetFixture


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_one_subscriber_has_one_budget(first: str, second: str, *, one: bool) -> None:
    bench, nothing = BudgetFixture(), cast(Any, None)
    foundation, rates = GatewayDependencies({}, *[nothing] * 5), RateLimiter({None: bench.budget})
    at_once = bench.budget.chunk
    assert rates.spend(build_requester(foundation, None, "fi", first), at_once).allowed
    again = build_requester(foundation, None, "fi", second)
    if one:
        with pytest.raises(RateLimited):
            rates.spend(again, at_once)
    else:
        assert rates.spend(again, at_once).allowed
