"""Fixtures of the tests of orders."""

from tests.component.orders.scenario import scenario

__all__ = ["scenario"]
