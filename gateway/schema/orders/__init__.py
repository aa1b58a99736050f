"""Fields of orders: agreements, calendars, orders, pickups and events."""
