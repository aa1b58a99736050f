"""Fixtures of the tests of personal data: identity's settings, and the scenario of orders."""

from tests.component.identity.conftest import harness as identity
from tests.component.identity.conftest import settings
from tests.component.orders.scenario import scenario

__all__ = ["identity", "scenario", "settings"]
