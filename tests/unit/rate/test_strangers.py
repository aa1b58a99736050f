"""By what strangers' spending is counted."""

from typing import Any, cast

import pytest

from gateway.context import Foundation, asker
from gateway.rate.rates import RateLimited, Rates
from tests.unit.rate.test_budget import Bench


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
    bench, nothing = Bench(), cast(Any, None)
    foundation, rates = Foundation({}, *[nothing] * 5), Rates({None: bench.budget})
    at_once = bench.budget.chunk
    assert rates.spend(asker(foundation, None, "fi", first), at_once).allowed
    again = asker(foundation, None, "fi", second)
    if one:
        with pytest.raises(RateLimited):
            rates.spend(again, at_once)
    else:
        assert rates.spend(again, at_once).allowed
