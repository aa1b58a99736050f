"""What the tests of orders share."""

from tests.component.orders.scenario import scenario

__all__ = ["scenario"]
