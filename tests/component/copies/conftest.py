"""What the tests of copies borrow: the world of orders."""

from tests.component.orders.world import world

__all__ = ["world"]
