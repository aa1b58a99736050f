"""Fixtures of the tests of copies: the scenario of orders, and identity's settings."""

from tests.component.identity.conftest import settings
from tests.component.orders.scenario import scenario

__all__ = ["scenario", "settings"]
