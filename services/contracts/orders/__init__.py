"""Contract of orders: agreements, calendars, orders and pickups (O1 to O18), and partners' events (P1, P4)."""

# Each import of the contract declares its events: a consumer parks an event that it does not know.
from services.contracts.orders import events

__all__ = ["events"]
