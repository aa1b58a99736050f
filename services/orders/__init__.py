"""Orders: agreements, calendars, orders, pickups, and the data they follow."""
