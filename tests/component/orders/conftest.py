"""What the tests of orders share."""

from tests.component.orders.world import world

__all__ = ["world"]
